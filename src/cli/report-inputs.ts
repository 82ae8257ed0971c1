import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { BenchReport } from '../../bench/page/bench-section.js';
import { readText } from '../data/files.js';
import { CallerError } from '../gpu/errors.js';
import type { Run } from '../report/runs/run.js';
import { isRunFolder, readRun } from '../report/runs/run-folder.js';
import { experimentGroups, experimentOf, folderGroups, type RunGroup } from '../report/runs/run-groups.js';
import { cellsOf } from '../train/experiment/cells.js';
import { parseExperiment } from '../train/experiment/file.js';
import { type CellResult, parseResult, readResult, resultFile } from '../train/experiment/results.js';
import { METRICS_FILE } from '../train/training-run.js';

/** What `parsimony report` shows, each in the order in which it was named. */
export type ReportInput = { kind: 'runs'; group: RunGroup } | { kind: 'benchmark'; report: BenchReport };

/** What may be named, for whoever named something else. */
const EXPECTED =
  'a folder that `parsimony train --out` wrote, an experiment (its file, or the folder of its results), or the JSON that `parsimony bench … --json` or `profile` wrote';

/** Where `parsimony experiment` keeps results, seen from its working folder. */
const RESULTS = join('experiments', 'results');

/** What was found at the places that were named. */
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
    const own = found.cells.filter(({ experiment }) => experiment === name);
    return experimentGroups(experimentOf(own), own);
  });
  const groups = [...folderGroups(found.runs), ...experiments];
  return [...groups.map((group) => ({ kind: 'runs' as const, group })), ...found.inputs];
}

/** A path as it was typed. */
function shownPath(path: string, typed: readonly string[]): string {
  return typed.find((one) => resolve(one) === path) ?? path;
}

async function readOne(path: string, found: Found): Promise<void> {
  const about = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw unknown(path, `cannot be read (${error.code})`);
  });
  if (about.isDirectory()) await readFolder(path, found);
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
  if ('contenders' in json && 'grid' in json) {
    found.inputs.push(...(await readExperiment(file, text)));
  } else if ('experiment' in json && 'contender' in json) {
    found.cells.push(parseResult(text, file));
  } else {
    found.inputs.push({ kind: 'benchmark', report: benchmarkOf(json, file) });
  }
}

function parsed(text: string, file: string): object {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  } catch {
    // Told below, as every other content that is no JSON object.
  }
  throw unknown(file, 'no JSON object');
}

async function readExperiment(file: string, text: string): Promise<ReportInput[]> {
  const experiment = parseExperiment(text, file);
  const cells = cellsOf(experiment);
  for (const folder of [join(dirname(file), 'results'), RESULTS]) {
    const kept = await Promise.all(
      cells.map((cell) => readResult(resultFile(folder, experiment.name, cell), cell)),
    );
    const results = kept.filter((result) => result !== undefined);
    if (results.length === 0) continue;
    const seeds = [...new Set(results.map(({ point }) => point.seed))].join(',');
    const command = `parsimony experiment ${file} --seeds ${seeds}`;
    return experimentGroups(experiment, results, command).map((group) => ({ kind: 'runs', group }));
  }
  throw new CallerError({
    what: 'no finished run of this experiment',
    where: file,
    expected: `results in ${join(dirname(file), 'results', experiment.name)} or ${join(RESULTS, experiment.name)}`,
    remedy: `run \`parsimony experiment ${file}\`, or name the folder of its results`,
  });
}

const BENCHMARKS = ['attention', 'step', 'growth', 'limits', 'peers'];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Whether a file's environment says what a page shows of it. */
function isEnvironment(value: unknown): boolean {
  return (
    isObject(value) && isObject(value.adapter) && isObject(value.system) && typeof value.date === 'string'
  );
}

function benchmarkOf(json: object, file: string): BenchReport {
  const { kind, environment, gate, rows, traceEvents, otherData } = json as Record<string, unknown>;
  if (Array.isArray(traceEvents) && isEnvironment(otherData)) {
    return { kind: 'profile', ...json } as BenchReport;
  }
  const isWhole = isEnvironment(environment) && isObject(gate) && Array.isArray(rows);
  if (BENCHMARKS.includes(String(kind)) && isWhole) return json as BenchReport;
  throw unknown(file, kind === undefined ? 'a JSON file of another kind' : `a JSON file of kind "${kind}"`);
}
