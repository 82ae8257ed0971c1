import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { CallerError } from '../../base/errors.js';
import {
  fields,
  finite,
  flag,
  listOf,
  notNegative,
  orNaN,
  positiveWhole,
  recordOf,
  renamed,
  share,
  text,
} from '../../base/json-schemas.js';
import { JsonText } from '../../base/json-text.js';
import { readText, writeAtomically } from '../../data/files.js';
import type { TagLoss } from '../evaluation.js';
import type { EvaluationResult } from '../metrics-log.js';
import { evaluationFields } from '../metrics-reader.js';
import { withTodaysNames } from '../settings-schema.js';
import { type Cell, cellsOf, type Experiment, type Settings, settingsHash } from './experiment.js';

/** An evaluation with the rows that the model got right: a digit a row, 1 or 0. A result does not hold the data itself. */
export interface MarkedEvaluation extends EvaluationResult {
  /** [rows] digits: 1 where the row is right, else 0. */
  marks: string;
  /** The mean loss by the tag of the token, for a task about tokens. */
  lossByTag?: Record<string, TagLoss>;
}

/** An evaluation on test. */
export type TestEvaluation = Omit<MarkedEvaluation, 'epoch' | 'step'>;

/** The result of one finished run of an experiment. It is stored, so that later seeds do not run the old ones again. */
export interface CellResult {
  /** The experiment's name. */
  experiment: string;
  condition: string;
  /** The value on each axis of the grid, "seed" among them. */
  point: Settings;
  /** Without the location of the data and the adapter. */
  settings: Settings;
  /** The hash of the training and dev examples. */
  data: string;
  /** The adapter and driver that trained it, as in a run's fingerprint. */
  adapter: string;
  /** Versions of the package, the kernels and what else may change bits or timings; undefined in results of version 0.1. */
  versions?: Readonly<Record<string, string>>;
  /** Share of dev's pairs that existed. */
  density: number;
  /** Share of dev's pairs that the layers join, also through other tokens; undefined in older results. */
  closure?: number;
  /** All evaluations on dev, in their order. */
  evaluations: EvaluationResult[];
  /** The evaluation on dev with the best weights. */
  best: MarkedEvaluation;
  /** The last evaluation. */
  final: MarkedEvaluation;
  /** The weights that are best on dev, on test; undefined where test has no labels. */
  test?: TestEvaluation;
  /** Tokens that were trained on over `seconds`; NaN where no time had passed. */
  tokensPerSecond: number;
  /** Training alone, without the evaluations, all epochs together. */
  seconds: number;
}

/** The file of a cell's result. */
export function resultFile(folder: string, experiment: string, { id }: Cell): string {
  return join(folder, experiment, `${id}.json`);
}

/**
 * A cell's stored result; undefined where it has none, or one of other settings.
 * @throws CallerError where the file is not a result.
 */
export async function readResult(file: string, { hash }: Cell): Promise<CellResult | undefined> {
  if (!existsSync(file)) return undefined;
  const result = parseResult(await readText(file), file);
  return settingsHash(result.settings) === hash ? result : undefined;
}

/** The results that a folder has of an experiment's cells, in their order. @throws CallerError as `readResult`. */
export async function storedResults(folder: string, experiment: Experiment): Promise<CellResult[]> {
  const results = await Promise.all(
    cellsOf(experiment).map((cell) => readResult(resultFile(folder, experiment.name, cell), cell)),
  );
  return results.filter((result) => result !== undefined);
}

const marks = v.pipe(text, v.regex(/^[01]+$/, 'a digit for each row, 1 or 0'));
const lossByTag = v.optional(recordOf(fields({ rows: positiveWhole, loss: finite })));
const marked = fields({ ...evaluationFields, marks, lossByTag });
const { epoch: _, step: __, ...scores } = evaluationFields;

/** The settings of a result, by today's names. */
const settings = v.pipe(
  recordOf(v.union([text, finite, flag, listOf(text)], 'text, a number, true or false, or a list of names')),
  v.transform(withTodaysNames),
);

const RESULT = renamed(
  { contender: 'condition', last: 'final' },
  {
    experiment: text,
    condition: text,
    point: v.pipe(
      settings,
      v.check((point) => Object.hasOwn(point, 'seed'), 'a value on each axis of the grid, "seed" among them'),
    ),
    settings,
    data: text,
    adapter: text,
    versions: v.optional(recordOf(text)),
    density: share,
    closure: v.optional(share),
    evaluations: listOf(fields(evaluationFields)),
    best: marked,
    final: marked,
    test: v.optional(fields({ ...scores, marks, lossByTag })),
    tokensPerSecond: orNaN(notNegative),
    seconds: notNegative,
  },
);

/** The remedy for every result that cannot be read. */
const ABOUT = {
  expected: 'a file that `parsimony experiment` wrote',
  remedy: 'delete it: the run is repeated',
};

/** Parses what `writeResult` wrote. @throws CallerError with the line where the text is not a result. */
export function parseResult(text: string, file: string): CellResult {
  const json = new JsonText(text, file, ABOUT);
  const result = json.checked(RESULT);
  for (const name of ['best', 'final', 'test'] as const) {
    if (!result[name]) continue;
    const { marks, accuracy } = result[name];
    const right = marks.replaceAll('0', '').length / marks.length;
    if (Math.abs(right - accuracy) < 1e-9) continue;
    const what = `"${name}.marks" with ${right} of the rows right`;
    throw json.errorAt([name, 'marks'], { what, expected: `as many as its accuracy says, ${accuracy}` });
  }
  return result;
}

/**
 * Checks that results at one point of a grid are of the same rows.
 * @throws CallerError where two are of different numbers of rows.
 */
export function checkSameRows(results: readonly CellResult[], where: string): void {
  const firstAtPoint = new Map<string, { rows: number; name: string }>();
  for (const result of results) {
    const { seed, ...point } = result.point;
    const name = `${result.condition}, seed ${seed}`;
    const evaluations = [result.best, result.final, ...(result.test ? [result.test] : [])];
    for (const [at, { marks }] of evaluations.entries()) {
      const split = at === 2 ? 'test' : 'dev';
      const key = JSON.stringify([result.experiment, point, split]);
      const first = firstAtPoint.get(key) ?? { rows: marks.length, name };
      firstAtPoint.set(key, first);
      if (marks.length === first.rows) continue;
      throw new CallerError({
        what: `the result of "${name}" counts ${marks.length} rows of ${split}`,
        where,
        expected: `${first.rows}, as that of "${first.name}"`,
        remedy: 'delete one: the run is repeated',
      });
    }
  }
}

/** Writes a result. @throws EngineError where the disk refuses. */
export async function writeResult(file: string, result: CellResult): Promise<void> {
  await writeAtomically(file, `${JSON.stringify(result)}\n`);
}
