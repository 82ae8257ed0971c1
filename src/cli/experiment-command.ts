import { join } from 'node:path';
import { Command, Option } from 'commander';
import { commandLine } from '../../bench/environment.js';
import { CallerError } from '../base/errors.js';
import { readText } from '../data/files.js';
import { dataSource } from '../data/sources.js';
import { isInSubset, SUBSETS } from '../data/subsets.js';
import { type Cell, cellsOf } from '../train/experiment/cells.js';
import type { Experiment } from '../train/experiment/experiment-types.js';
import { parseExperiment } from '../train/experiment/file.js';
import { type CellResult, checkSameRows, readResult, resultFile } from '../train/experiment/results.js';
import { experimentTables, type RowFilter } from '../train/experiment/table.js';
import { type CellPlaces, checkCell, finishCell } from './experiment-cells.js';
import { experimentFile } from './experiment-file.js';
import { experimentMarkdown, printExperiment } from './experiment-tables.js';
import { adapterOption, jsonOption, list, seedNumber, withDevice } from './options.js';
import { outliveReaders } from './output-streams.js';
import { stoppable } from './stopping.js';
import { note, print, printJson } from './terminal.js';

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
  json?: boolean;
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
    .addOption(new Option('--only <list>', 'run these contenders alone').argParser(list))
    .addOption(new Option('--subset <name>', 'count only the rows of dev with such a word').choices(SUBSETS))
    .option('--table', 'run nothing: the table of what is there')
    .option('--markdown', 'the tables as Markdown')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(experiment);
}

async function experiment(name: string, flags: ExperimentFlags): Promise<void> {
  const file = experimentFile(name);
  const written = parseExperiment(
    await readText(file, 'an experiment, such as experiments/embedded.json'),
    file,
  );
  const seeds = flags.seeds ?? written.grid.seed;
  const whole: Experiment = { ...written, grid: { ...written.grid, seed: seeds } };
  checkOnly(whole, flags.only);
  checkSeeds(flags.seeds);
  const cells = cellsOf(whole).filter(({ contender }) => flags.only?.includes(contender) ?? true);
  const places: CellPlaces = {
    experiment: whole.name,
    file,
    runs: join(flags.out, whole.name),
    results: flags.results,
    data: flags.data,
    cells: cellsOf(whole),
    dataHashes: new Map(),
  };
  for (const cell of cells) checkCell(places, cell);
  const filter = await rowFilter(whole, flags);
  if (!flags.table) {
    outliveReaders();
    await stoppable(
      (signal) => runCells({ ...places, signal }, cells, flags),
      () => `go on with: ${commandLine()}`,
    );
  }
  const results = await keptResults(places, flags.table ? cellsOf(whole) : cells);
  if (results.length === 0) {
    throw new CallerError({
      what: 'no results yet',
      where: join(flags.results, whole.name),
      remedy: 'run the experiment without --table',
    });
  }
  const tables = experimentTables(whole, results, filter);
  if (flags.json) printJson({ experiment: whole.name, subset: flags.subset, tables });
  else if (flags.markdown) print(experimentMarkdown(tables));
  else printExperiment(tables);
}

function checkOnly({ contenders }: Experiment, only: readonly string[] = []): void {
  const unknown = only.find((name) => !Object.hasOwn(contenders, name));
  if (unknown === undefined) return;
  throw new CallerError({
    what: `no contender "${unknown}"`,
    where: '--only',
    expected: `among: ${Object.keys(contenders).join(', ')}`,
  });
}

/** Every seed is a run of its own, kept in files of its own. */
function checkSeeds(seeds: readonly number[] = []): void {
  const twice = seeds.find((seed, at) => seeds.indexOf(seed) < at);
  const odd = twice ?? seeds.find((seed) => seed >= 2 ** 32);
  if (odd === undefined) return;
  const what = twice === undefined ? `seed ${odd}` : `seed ${odd} a second time`;
  throw new CallerError({ what, where: '--seeds', expected: 'different whole numbers from 0 to 2³² - 1' });
}

async function runCells(places: CellPlaces, cells: readonly Cell[], flags: ExperimentFlags): Promise<void> {
  await withDevice(flags.adapter, async (device) => {
    for (const [index, cell] of cells.entries()) {
      const { best, last } = await finishCell(device, places, cell);
      note(
        `${index + 1} of ${cells.length}, ${cell.id}: dev accuracy ${best.accuracy.toFixed(4)} at its best, ` +
          `${last.accuracy.toFixed(4)} at the end`,
      );
    }
  });
}

async function keptResults(
  { results, experiment: name }: CellPlaces,
  cells: readonly Cell[],
): Promise<CellResult[]> {
  const kept = await Promise.all(cells.map((cell) => readResult(resultFile(results, name, cell), cell)));
  const found = kept.filter((result) => result !== undefined);
  checkSameRows(found, join(results, name));
  return found;
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
