import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { CallerError } from '../../base/errors.js';
import {
  fields,
  finite,
  listOf,
  notNegative,
  recordOf,
  share,
  text,
  whole,
} from '../../base/json-schemas.js';
import { JsonText } from '../../base/json-text.js';
import { readText, writeWhole } from '../../data/files.js';
import type { Cell } from './cells.js';
import type { Settings } from './experiment-types.js';
import { setting } from './file.js';

/** What a model did on dev at one step. */
export interface Reading {
  epoch: number;
  step: number;
  accuracy: number;
  loss: number;
  f1: number;
  matthews: number;
}

/** A reading with the rows that it got right: a digit a row, 1 or 0. The data itself is nowhere in a result. */
export interface MarkedReading extends Reading {
  marks: string;
}

/** What one finished run of an experiment came to: kept, so that later seeds need not run the old ones again. */
export interface CellResult {
  experiment: string;
  contender: string;
  point: Settings;
  /** Where the data lay and which adapter ran are no part of them. */
  settings: Settings;
  hash: string;
  /** Of the training and dev examples. */
  data: string;
  adapter: string;
  /** Share of dev's pairs that existed. */
  density: number;
  evaluations: Reading[];
  best: MarkedReading;
  last: MarkedReading;
  tokensPerSecond: number;
  seconds: number;
}

/** Where a cell's result is kept. */
export function resultFile(folder: string, experiment: string, { id }: Cell): string {
  return join(folder, experiment, `${id}.json`);
}

/**
 * A cell's result, or undefined where it has none yet, or one of other settings.
 * @throws CallerError where the file is no result.
 */
export async function readResult(file: string, { hash }: Cell): Promise<CellResult | undefined> {
  if (!existsSync(file)) return undefined;
  const result = parseResult(await readText(file), file);
  return result.hash === hash ? result : undefined;
}

/** JSON has no NaN: the loss of a run that has diverged stands there as null. */
const readingFields = {
  epoch: whole,
  step: whole,
  accuracy: share,
  loss: v.pipe(
    v.nullable(finite),
    v.transform((value) => value ?? Number.NaN),
  ),
  f1: finite,
  matthews: finite,
};

const marked = fields({
  ...readingFields,
  marks: v.pipe(text, v.regex(/^[01]+$/, 'a digit for each row, 1 or 0')),
});

const RESULT = fields({
  experiment: text,
  contender: text,
  point: v.pipe(
    recordOf(setting),
    v.check((point) => Object.hasOwn(point, 'seed'), 'a place on each axis of the grid, "seed" among them'),
  ),
  settings: recordOf(setting),
  hash: text,
  data: text,
  adapter: text,
  density: share,
  evaluations: listOf(fields(readingFields)),
  best: marked,
  last: marked,
  tokensPerSecond: v.pipe(
    v.nullable(notNegative),
    v.transform((value) => value ?? Number.NaN),
  ),
  seconds: notNegative,
});

/** The remedy for every result that cannot be read. */
const ABOUT = {
  expected: 'a file that `parsimony experiment` wrote',
  remedy: 'delete it: the run is made again',
};

/** Parses what `writeResult` wrote. @throws CallerError with the line where the text is no result. */
export function parseResult(text: string, file: string): CellResult {
  const json = new JsonText(text, file, ABOUT);
  const result = json.checked(RESULT);
  for (const name of ['best', 'last'] as const) {
    const { marks, accuracy } = result[name];
    const right = marks.replaceAll('0', '').length / marks.length;
    if (Math.abs(right - accuracy) < 1e-9) continue;
    const what = `"${name}.marks" with ${right} of the rows right`;
    throw json.errorAt([name, 'marks'], { what, expected: `as many as its accuracy says, ${accuracy}` });
  }
  return result;
}

/**
 * Makes sure that results can be compared row by row.
 * @throws CallerError where two at one point of a grid are of different numbers of rows.
 */
export function checkSameRows(results: readonly CellResult[], where: string): void {
  const known = new Map<string, CellResult>();
  for (const result of results) {
    const { seed: _, ...point } = result.point;
    const key = JSON.stringify([result.experiment, point]);
    const first = known.get(key) ?? result;
    known.set(key, first);
    const [rows, before] = [result.best.marks.length, first.best.marks.length];
    const name = `${result.contender}, seed ${result.point.seed}`;
    if (rows === before && result.last.marks.length === before) continue;
    throw new CallerError({
      what: `the result of "${name}" counts ${rows === before ? result.last.marks.length : rows} rows of dev`,
      where,
      expected: `${before}, as that of "${first.contender}, seed ${first.point.seed}"`,
      remedy: 'delete one: the run is made again',
    });
  }
}

/** Keeps a result. @throws EngineError where the disk refuses. */
export async function writeResult(file: string, result: CellResult): Promise<void> {
  await writeWhole(file, `${JSON.stringify(result)}\n`);
}
