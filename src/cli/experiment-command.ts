import { join } from 'node:path';
import { Command, Option } from 'commander';
import { CallerError } from '../base/errors.js';
import { readText } from '../data/files.js';
import { dataSource } from '../data/sources.js';
import { isInSubset, SUBSETS } from '../data/subsets.js';
import type { Experiment } from '../train/experiment/experiment.js';
import { exploratory } from '../train/experiment/experiment.js';
import { gridState, machinesOf } from '../train/experiment/grid-state.js';
import { parseExperiment } from '../train/experiment/parse-experiment.js';
import { experimentTables, type RowFilter } from '../train/experiment/result-table.js';
import { checkSameRows, storedResults } from '../train/experiment/results.js';
import { LOCK_SECONDS } from '../train/experiment/run-grid.js';
import { experimentFile } from './experiment-file.js';
import { type RunFlags, runCells } from './experiment-run.js';
import { experimentMarkdown, printExperiment } from './experiment-tables.js';
import { printGrid, refuseFailures } from './grid-summary.js';
import { list } from './options.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { countNumber, seedNumber, settingOption } from './setting-options.js';
import { shardOption, slurmShard } from './shard-option.js';
import { shellCommand } from './stopping.js';
import { print } from './terminal.js';

interface ExperimentFlags extends RunFlags {
  seeds?: number[];
  subset?: string;
  table?: boolean;
  markdown?: boolean;
  json?: JsonTarget;
}

/** Seconds after which a process counts as dead. */
function lockOption(): Option {
  const help = 'seconds without a sign after which the cells of a process or worker are taken over';
  return new Option('--lock <seconds>', help).argParser(countNumber).default(LOCK_SECONDS);
}

const EXAMPLE = `
Example:
  $ parsimony experiment experiments/embedded.json
  $ parsimony experiment experiments/sst2-scratch.json --data path/to/SST-2 --seeds 1,2,3,4
  $ parsimony experiment experiments/embedded.json --jobs 2
  $ parsimony experiment experiments/sst2-scratch.json --table --subset negation --data path/to/SST-2

A finished run is not made again: its result is kept in --results. An interrupted one goes on where it was. Several processes and
hosts may share --results: see docs/cluster.md.`;

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
    .addOption(
      new Option('--jobs <count>', 'run cells in this number of processes (default: in this one)').argParser(
        countNumber,
      ),
    )
    .addOption(shardOption())
    .addOption(lockOption())
    .option('--markdown', 'the tables as Markdown')
    .addOption(settingOption('adapter'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(experiment);
}

async function experiment(name: string, flags: ExperimentFlags): Promise<void> {
  const written = await readExperiment(name);
  checkSeeds(flags.seeds);
  const grid = { ...written.grid, ...(flags.seeds && { seed: flags.seeds }) };
  const planned: Experiment = { ...written, grid };
  const isPart = flags.subset !== undefined || !haveSameSeeds(written, planned);
  const whole = isPart ? exploratory(planned) : planned;
  checkOnly(whole, flags.only);
  const filter = await rowFilter(whole, flags);
  const results = flags.table
    ? await storedResults(flags.results, whole)
    : await runCells(whole, { ...flags, shard: flags.shard ?? slurmShard() });
  checkSameRows(results, join(flags.results, whole.name));
  if (results.length === 0) {
    throw new CallerError({
      what: 'no results yet',
      where: join(flags.results, whole.name),
      remedy: 'run the experiment without --table',
    });
  }
  const tables = experimentTables(whole, results, filter);
  const machines = machinesOf(results);
  const cells = await gridState(flags.results, whole, flags);
  const missing = cells.filter(({ progress }) => progress !== 'finished');
  if (
    !(await wroteJson(flags.json, {
      experiment: whole.name,
      subset: flags.subset,
      tables,
      machines,
      missing,
    }))
  ) {
    if (flags.markdown) print(experimentMarkdown(tables));
    else {
      printExperiment(tables);
      printGrid(machines, cells);
    }
  }
  if (!flags.table) refuseFailures(cells, shellCommand('experiment', 'retry', name));
}

/** The experiment of a file, or of a name. */
async function readExperiment(name: string): Promise<Experiment> {
  const file = experimentFile(name);
  return parseExperiment(await readText(file, 'an experiment, such as experiments/embedded.json'), file);
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

/** Which rows of dev count. Without a subset all of them do, and the data need not be there. */
async function rowFilter(
  whole: Experiment,
  { subset, data }: ExperimentFlags,
): Promise<RowFilter | undefined> {
  if (subset === undefined) return undefined;
  const dev = await dataSource(data ?? String(whole.settings.data)).examples('dev');
  return (row) => isInSubset(dev[row].text, subset);
}
