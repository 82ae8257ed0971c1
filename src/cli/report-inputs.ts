import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type * as v from 'valibot';
import { shownReports } from '../../bench/gpu-report.js';
import type { PagedReport } from '../../bench/page/bench-section.js';
import { REPORT_SCHEMAS } from '../../bench/report-schema.js';
import { CallerError, shortened } from '../base/errors.js';
import { isObject } from '../base/json-schemas.js';
import { JsonText } from '../base/json-text.js';
import { readText } from '../data/files.js';
import { isRunFolder, readRun } from '../report/runs/read-run.js';
import type { Run } from '../report/runs/run.js';
import { experimentGroups, experimentOf, folderGroups, type RunGroup } from '../report/runs/run-groups.js';
import { countsOf, gridState } from '../train/experiment/grid-state.js';
import { parseExperiment } from '../train/experiment/parse-experiment.js';
import { type CellResult, checkSameRows, parseResult, storedResults } from '../train/experiment/results.js';
import { METRICS_FILE } from '../train/run-folder.js';
import { experimentFile } from './experiment-file.js';

/** What `parsimony report` shows, each in the order in which it was named. */
export type ReportInput = { kind: 'runs'; group: RunGroup } | { kind: 'benchmark'; report: PagedReport };

/** The paths that the command takes. */
const EXPECTED =
  'a folder that `parsimony train --out` wrote, an experiment (its file, or the folder of its results), or the JSON that `parsimony bench … --json` or `profile` wrote';

/** The default folder of the results of `parsimony experiment`. */
const RESULTS = join('experiments', 'results');

/** What the paths hold. */
interface Found {
  runs: Run[];
  /** Results that were named without their experiment's file. */
  cells: CellResult[];
  inputs: ReportInput[];
}

function unknown(where: string, what: string): CallerError {
  return new CallerError({ what, where, expected: EXPECTED });
}

/**
 * Reads runs, experiments and benchmarks.
 * @throws CallerError where a path is none of them, or a file is not what it should be.
 */
export async function readInputs(paths: readonly string[]): Promise<ReportInput[]> {
  const found: Found = { runs: [], cells: [], inputs: [] };
  for (const path of new Set(paths.map((path) => resolve(path))))
    await readOne(shownPath(path, paths), found);
  const names = [...new Set(found.cells.map(({ experiment }) => experiment))];
  const experiments = names.flatMap((name) => {
    const cells = found.cells.filter(({ experiment }) => experiment === name);
    checkSameRows(cells, paths.join(', '));
    return experimentGroups(experimentOf(cells), cells);
  });
  const groups = [...folderGroups(found.runs), ...experiments];
  return [...groups.map((group) => ({ kind: 'runs' as const, group })), ...found.inputs];
}

/** A path as it was typed. */
function shownPath(path: string, typed: readonly string[]): string {
  return typed.find((one) => resolve(one) === path) ?? path;
}

async function readOne(named: string, found: Found): Promise<void> {
  const path = experimentFile(named);
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw unknown(path, `cannot be read (${error.code})`);
  });
  if (stats.isDirectory()) await readFolder(path, found);
  else await readFile(path, found);
}

async function readFolder(folder: string, found: Found): Promise<void> {
  if (isRunFolder(folder)) {
    found.runs.push(await readRun(folder));
    return;
  }
  const names = (await readdir(folder)).sort((one, other) =>
    one.localeCompare(other, 'en', { numeric: true }),
  );
  const runs = names.map((name) => join(folder, name)).filter(isRunFolder);
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
  if (runs.length > 0) {
    for (const run of runs) found.runs.push(await readRun(run));
    return;
  }
  if (files.length === 0) throw unknown(folder, 'neither a run nor results of an experiment');
  for (const file of files) await readFile(file, found);
}

async function readFile(file: string, found: Found): Promise<void> {
  if (basename(file) === METRICS_FILE) {
    await readFolder(dirname(file), found);
    return;
  }
  const text = await readText(file);
  const json = parsed(text, file);
  if (('conditions' in json || 'contenders' in json) && 'grid' in json) {
    found.inputs.push(...(await readExperiment(file, text)));
  } else if ('experiment' in json && ('condition' in json || 'contender' in json)) {
    found.cells.push(parseResult(text, file));
  } else {
    const benchmark = benchmarkOf(json, text, file);
    const parts = benchmark.kind === 'gpu' ? shownReports(benchmark) : [];
    // Each part is checked as if it were a file of its own.
    const checked = parts.map((part, at) =>
      benchmarkOf(part, JSON.stringify(part), `${file}, report ${at + 1}`),
    );
    found.inputs.push(...[benchmark, ...checked].map((report) => ({ kind: 'benchmark' as const, report })));
  }
}

function parsed(text: string, file: string): object {
  try {
    const json: unknown = JSON.parse(text);
    if (isObject(json)) return json;
  } catch {
    // Refused below, as every other content that is not a JSON object.
  }
  throw unknown(file, 'not a JSON object');
}

async function readExperiment(file: string, text: string): Promise<ReportInput[]> {
  const experiment = parseExperiment(text, file);
  for (const folder of [join(dirname(file), 'results'), RESULTS]) {
    const results = await storedResults(folder, experiment);
    if (results.length === 0) continue;
    checkSameRows(results, join(folder, experiment.name));
    const seeds = [...new Set(results.map(({ point }) => point.seed))].join(',');
    const command = `parsimony experiment ${file} --seeds ${seeds}`;
    const progress = countsOf(await gridState(folder, experiment));
    return experimentGroups(experiment, results, command, progress).map((group) => ({ kind: 'runs', group }));
  }
  throw new CallerError({
    what: 'no finished run of this experiment',
    where: file,
    expected: `results in ${join(dirname(file), 'results', experiment.name)} or ${join(RESULTS, experiment.name)}`,
    remedy: `run \`parsimony experiment ${file}\`, or name the folder of its results`,
  });
}

/** A benchmark's report or a profile, by the kind in the file. */
function benchmarkOf(json: object, text: string, file: string): PagedReport {
  const { kind, traceEvents } = json as Record<string, unknown>;
  const reportKind = traceEvents === undefined ? kind : 'profile';
  if (typeof reportKind === 'string' && Object.hasOwn(REPORT_SCHEMAS, reportKind)) {
    const schema: v.GenericSchema<unknown, object> =
      REPORT_SCHEMAS[reportKind as keyof typeof REPORT_SCHEMAS];
    return {
      ...new JsonText(text, file, { expected: EXPECTED }).checked(schema),
      kind: reportKind,
    } as PagedReport;
  }
  throw unknown(
    file,
    kind === undefined ? 'a JSON file of another kind' : `a JSON file of kind ${shownKind(kind)}`,
  );
}

function shownKind(kind: unknown): string {
  return typeof kind === 'string' ? `"${shortened(kind, 60)}"` : `a JSON ${typeof kind}`;
}
