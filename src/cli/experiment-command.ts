import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { CallerError } from '../base/errors.js';
import { relocatedData } from '../data/data-location.js';
import { writeAtomically } from '../data/files.js';
import { dataSource } from '../data/sources.js';
import { isInSubset, SUBSETS } from '../data/subsets.js';
import type { Experiment } from '../train/experiment/experiment.js';
import { exploratory } from '../train/experiment/experiment.js';
import { type CellState, gridState, machinesOf } from '../train/experiment/grid-state.js';
import { experimentTables, type RowFilter } from '../train/experiment/result-table.js';
import { type CellResult, checkSameRows, storedResults } from '../train/experiment/results.js';
import { readExperiment, tableFolder } from './experiment-file.js';
import { type RunFlags, runCells } from './experiment-run.js';
import { stateCommands } from './experiment-state.js';
import { experimentMarkdown, printExperiment } from './experiment-tables.js';
import { printGrid, refuseFailures } from './grid-summary.js';
import { list } from './options.js';
import { type JsonTarget, jsonOption, OutputOption, wroteJson } from './output-files.js';
import { queueOption } from './queue-option.js';
import { jobsNumber, seedNumber, settingOption } from './setting-options.js';
import { shardOption, slurmShard } from './shard-option.js';
import { shellCommand } from './stopping.js';
import { note, print } from './terminal.js';
import { lockOption } from './worker-command.js';

interface ExperimentFlags extends RunFlags {
  seeds?: number[];
  subset?: string;
  table?: boolean;
  markdown?: boolean;
  svg?: string;
  json?: JsonTarget;
}

const EXAMPLE = `
Example:
  $ parsimony experiment experiments/embedded.json
  $ parsimony experiment experiments/sst2-scratch.json --data path/to/SST-2 --seeds 1,2,3,4
  $ parsimony experiment experiments/embedded.json --jobs 2
  $ parsimony experiment experiments/embedded.json --queue redis://queue.example:6379
  $ parsimony experiment status experiments/embedded.json
  $ parsimony experiment experiments/sst2-scratch.json --table --subset negation --data path/to/SST-2
  $ parsimony experiment experiments/grampair-negation.json --table --svg negation.svg

A finished run is not repeated: its result is kept in --results. An interrupted one continues where it was. Several processes and
hosts may share --results: see docs/cluster.md.`;

export function experimentCommand(command: Command): void {
  command
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
        jobsNumber,
      ),
    )
    .addOption(shardOption())
    .addOption(
      queueOption('put the cells on a queue, from which `parsimony worker` takes them').conflicts([
        'jobs',
        'shard',
      ]),
    )
    .addOption(lockOption())
    .option('--markdown', 'the tables as Markdown')
    .addOption(
      new OutputOption(
        '--svg <file>',
        'a picture of every seed, for one point of the grid or over trainExamples',
        ['.svg'],
      ),
    )
    .addOption(settingOption('adapter'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(experiment);
  for (const each of stateCommands()) command.addCommand(each);
}

async function experiment(name: string, flags: ExperimentFlags): Promise<void> {
  const written = await readExperiment(name);
  checkSeeds(flags.seeds);
  const grid = { ...written.grid, ...(flags.seeds && { seed: flags.seeds }) };
  const planned: Experiment = { ...written, grid };
  const isPart = flags.subset !== undefined || !haveSameSeeds(written, planned);
  const whole = isPart ? exploratory(planned) : planned;
  const only = conditionsOf(whole, flags.only);
  const filter = await rowFilter(whole, flags);
  const errors = new Map<string, string>();
  const folder = flags.table ? tableFolder(name, whole, flags.results) : flags.results;
  const results = flags.table
    ? await storedResults(folder, whole)
    : await runCells(whole, { ...flags, only, shard: flags.shard ?? slurmShard() }, ({ id }, error) =>
        errors.set(id, error),
      );
  checkSameRows(results, join(folder, whole.name));
  if (results.length === 0) {
    throw new CallerError({
      what: 'no results yet',
      where: join(folder, whole.name),
      remedy: 'run the experiment without --table',
    });
  }
  const tables = experimentTables(whole, results, filter);
  const machines = machinesOf(results);
  const cells = withErrors(await gridState(folder, whole, flags), errors);
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
  if (flags.svg !== undefined) await writePicture(whole, results, flags.svg);
  if (!flags.table)
    refuseFailures(cells, shellCommand('experiment', 'retry', name, ...(flags.queue ? ['--queue'] : [])));
}

/** The states of cells, with the errors of those that were left out. */
function withErrors(states: readonly CellState[], errors: ReadonlyMap<string, string>): CellState[] {
  return states.map((state) => {
    const error = errors.get(state.id);
    return error === undefined ? state : { ...state, progress: 'failed', about: error };
  });
}

/** @throws CallerError where the results are of several points, or have nothing to draw. */
async function writePicture(
  experiment: Experiment,
  results: readonly CellResult[],
  out: string,
): Promise<void> {
  // The plot library takes a while to load, so only a picture loads it.
  const { experimentGroups } = await import('../report/runs/run-groups.js');
  const { seedsSvg } = await import('../report/runs/seed-figures.js');
  const groups = experimentGroups(experiment, results);
  if (groups.length > 1 && !groups[0].overSizes) {
    throw new CallerError({
      what: `results at ${groups.length} points of the grid`,
      where: '--svg',
      expected: 'one point, or several of "trainExamples" alone: `parsimony report` draws them all',
    });
  }
  await writeAtomically(out, seedsSvg(groups[0]));
  note(`The picture is in ${out}.`);
}

/** The conditions of `--only`. Names may have commas themselves: the longest name that is there counts. */
function conditionsOf(
  { conditions }: Experiment,
  items: readonly string[] | undefined,
): string[] | undefined {
  if (!items) return undefined;
  const named: string[] = [];
  let at = 0;
  while (at < items.length) {
    let end = items.length;
    while (end > at && !Object.hasOwn(conditions, items.slice(at, end).join(', '))) end--;
    if (end === at) {
      throw new CallerError({
        what: `no condition "${items[at]}"`,
        where: '--only',
        expected: `among: ${Object.keys(conditions).join('; ')}`,
      });
    }
    named.push(items.slice(at, end).join(', '));
    at = end;
  }
  return named;
}

/** Whether both have the same seeds. Only those of the file give verdicts: others could have been chosen by their results. */
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
  const named = data === undefined ? String(whole.settings.data) : relocatedData(whole.settings.data, data);
  const source = dataSource(named);
  const dev = await source.examples('dev');
  if (dev.some(({ text }) => isInSubset(text, subset))) return (row) => isInSubset(dev[row].text, subset);
  throw new CallerError({
    what: `no row of the subset "${subset}"`,
    where: source.nameOf('dev'),
    expected: 'one at least',
    remedy: 'leave out --subset',
  });
}
