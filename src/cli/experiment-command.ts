import { join } from 'node:path';
import { Command, Option } from 'commander';
import { commandLine } from '../../bench/environment.js';
import { CallerError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import { readText } from '../data/files.js';
import { dataSource } from '../data/sources.js';
import { isInSubset, SUBSETS } from '../data/subsets.js';
import type { Experiment } from '../train/experiment/experiment.js';
import { type Cell, cellsOf, exploratory } from '../train/experiment/experiment.js';
import { parseExperiment } from '../train/experiment/parse-experiment.js';
import { experimentTables, type RowFilter } from '../train/experiment/result-table.js';
import { type CellResult, checkSameRows, storedResults } from '../train/experiment/results.js';
import { runExperiment } from '../train/experiment/run-experiment.js';
import { experimentFile } from './experiment-file.js';
import { experimentMarkdown, printExperiment } from './experiment-tables.js';
import { kernelsFor } from './kernel-cache.js';
import { list, withDevice } from './options.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { outliveReaders } from './output-streams.js';
import { seedNumber, settingOption } from './setting-options.js';
import { stoppable } from './stopping.js';
import { note, print } from './terminal.js';
import { runDisplay } from './train-output.js';

interface ExperimentFlags {
  data?: string;
  out: string;
  results: string;
  seeds?: number[];
  only?: string[];
  subset?: string;
  table?: boolean;
  markdown?: boolean;
  adapter?: string;
  json?: JsonTarget;
}

const EXAMPLE = `
Example:
  $ parsimony experiment experiments/embedded.json
  $ parsimony experiment experiments/sst2-scratch.json --data path/to/SST-2 --seeds 1,2,3,4
  $ parsimony experiment experiments/sst2-scratch.json --table --subset negation --data path/to/SST-2

A finished run is not made again: its result is kept in --results. An interrupted one goes on where it was.`;

/** `parsimony experiment` */
export function experimentCommand(): Command {
  return new Command('experiment')
    .description('run a grid of trainings from a file, and compare what they came to')
    .argument(
      '<file>',
      'what is compared, and over which seeds (JSON); or the name of one that comes with the package',
    )
    .option('--data <source>', "instead of the file's own, as `train` takes it")
    .option('--out <folder>', 'where each run has its folder', 'runs')
    .option('--results <folder>', 'where results are kept', join('experiments', 'results'))
    .addOption(
      new Option('--seeds <list>', "instead of the file's own").argParser((text) =>
        list(text).map(seedNumber),
      ),
    )
    .addOption(new Option('--only <list>', 'run these conditions alone').argParser(list))
    .addOption(new Option('--subset <name>', 'count only the rows of dev with such a word').choices(SUBSETS))
    .option('--table', 'run nothing: the table of what is there')
    .option('--markdown', 'the tables as Markdown')
    .addOption(settingOption('adapter'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(experiment);
}

async function experiment(name: string, flags: ExperimentFlags): Promise<void> {
  const file = experimentFile(name);
  const text = await readText(file, 'an experiment, such as experiments/embedded.json');
  const written = parseExperiment(text, file);
  checkSeeds(flags.seeds);
  const grid = { ...written.grid, ...(flags.seeds && { seed: flags.seeds }) };
  const planned: Experiment = { ...written, grid };
  const isPart = flags.subset !== undefined || !haveSameSeeds(written, planned);
  const whole = isPart ? exploratory(planned) : planned;
  checkOnly(whole, flags.only);
  const filter = await rowFilter(whole, flags);
  const results = flags.table ? await storedResults(flags.results, whole) : await run(whole, flags);
  checkSameRows(results, join(flags.results, whole.name));
  if (results.length === 0) {
    throw new CallerError({
      what: 'no results yet',
      where: join(flags.results, whole.name),
      remedy: 'run the experiment without --table',
    });
  }
  const tables = experimentTables(whole, results, filter);
  if (await wroteJson(flags.json, { experiment: whole.name, subset: flags.subset, tables })) return;
  if (flags.markdown) print(experimentMarkdown(tables));
  else printExperiment(tables);
}

function checkOnly({ conditions }: Experiment, only: readonly string[] = []): void {
  const unknown = only.find((name) => !Object.hasOwn(conditions, name));
  if (unknown === undefined) return;
  throw new CallerError({
    what: `no condition "${unknown}"`,
    where: '--only',
    expected: `among: ${Object.keys(conditions).join(', ')}`,
  });
}

/** Only the seeds that a file states, all of them, give verdicts: others could have been chosen for what they show. */
function haveSameSeeds(...two: [Experiment, Experiment]): boolean {
  const [one, other] = two.map(({ grid: { seed } }) => JSON.stringify([...seed].sort()));
  return one === other;
}

/** Refuses repeated seeds, whose runs would share files. */
function checkSeeds(seeds: readonly number[] = []): void {
  const twice = seeds.find((seed, at) => seeds.indexOf(seed) < at);
  if (twice === undefined) return;
  throw new CallerError({
    what: `seed ${twice} a second time`,
    where: '--seeds',
    expected: 'each seed once',
  });
}

async function run(whole: Experiment, flags: ExperimentFlags): Promise<CellResult[]> {
  const { out: runs, results, data, only } = flags;
  const total = cellsOf(whole).filter(({ condition }) => only?.includes(condition) ?? true).length;
  let done = 0;
  const options = {
    ...{ runs, results, data, only, kernelsFor },
    notes: { command: commandLine() },
    onNote: note,
    hooksOf: ({ id }: Cell, folder: string) => runDisplay(folder, () => note(`${id}:`)),
    onResult({ id }: Cell, { best, final }: CellResult) {
      note(
        `${++done} of ${total}, ${id}: dev accuracy ${best.accuracy.toFixed(4)} at its best, ` +
          `${final.accuracy.toFixed(4)} at the end`,
      );
    },
  };
  const adapter = flags.adapter ?? adapterOf(whole);
  outliveReaders();
  return stoppable(
    (signal) =>
      withDevice(
        adapter,
        (device) => runExperiment(device, whole, { ...options, signal }),
        precisionOf(whole),
      ),
    () => `continue with: ${commandLine()}`,
  );
}

/** The adapter that an experiment's settings name: one for all of its runs. */
function adapterOf({ settings: { adapter } }: Experiment): string | undefined {
  return adapter === undefined ? undefined : `${adapter}`;
}

/** The precision that the device is opened for: f16 where any run is of it. */
function precisionOf({ settings, conditions }: Experiment): Precision {
  return [settings, ...Object.values(conditions)].some(({ precision }) => precision === 'f16')
    ? 'f16'
    : 'f32';
}

/** Which rows of dev count. Without a subset all of them do, and the data need not be there. */
async function rowFilter(
  whole: Experiment,
  { subset, data }: ExperimentFlags,
): Promise<RowFilter | undefined> {
  if (subset === undefined) return undefined;
  const dev = await dataSource(data ?? String(whole.settings.data)).examples('dev');
  return (row) => isInSubset(dev[row].text, subset);
}
