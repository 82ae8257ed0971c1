import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { adapterKey } from '../attention/kernel-choices.js';
import { CallerError } from '../base/errors.js';
import { createFolder, writeWhole } from '../data/files.js';
import type { Device } from '../gpu/device.js';
import { formatRules } from '../grammar/rules-file.js';
import { paperDensity } from '../train/control-rules.js';
import { type Cell, settingsProper } from '../train/experiment/cells.js';
import type { Settings } from '../train/experiment/experiment-types.js';
import {
  type CellResult,
  type MarkedReading,
  type Reading,
  readResult,
  resultFile,
  writeResult,
} from '../train/experiment/results.js';
import { dataHash } from '../train/run-record.js';
import { SentenceClassifier } from '../train/sentence-classifier.js';
import type { EvaluationMetrics } from '../train/trainer.js';
import { runTraining, type TrainingOutcome, type TrainingRun } from '../train/training-run.js';
import { dataOf } from './data-options.js';
import { refuseShapeFlags } from './starting-checkpoint.js';
import { note } from './terminal.js';
import { addTrainFlags, type TrainFlags } from './train-flags.js';
import { runDisplay } from './train-output.js';
import { chooseKernels, examplesOf, runOfFlags } from './train-run.js';

/** Where an experiment's runs and results lie, and what every run of this call has in common. */
export interface CellPlaces {
  experiment: string;
  /** The file that the experiment stands in, for errors. */
  file: string;
  /** A folder for each run, which goes on there when it was interrupted. */
  runs: string;
  results: string;
  /** Instead of what the experiment's settings say. */
  data?: string;
  /** All cells of the experiment: some take their rules from others. */
  cells: readonly Cell[];
  /** Once it is aborted, the run under way ends with a checkpoint. */
  signal?: AbortSignal;
  /** What names the data that were read already, by the flags that name them. */
  dataHashes: Map<string, string>;
}

/** Settings as the flags of `train`, checked as if they had been typed. @throws CallerError where one is no flag, or no value of it. */
function flagsOfSettings(settings: Settings, where: string): TrainFlags {
  const command = addTrainFlags(new Command('train')).exitOverride();
  command.configureOutput({ writeErr: () => {}, writeOut: () => {} }).showSuggestionAfterError(false);
  const words = Object.entries(settings).flatMap(([name, value]) => {
    const option = command.options.find((candidate) => candidate.attributeName() === name);
    const negates = option?.negate ?? false;
    const flag = option?.long ?? `--${name}`;
    if (typeof value !== 'boolean') return [flag, `${value}`];
    return value === negates ? [] : [flag];
  });
  try {
    command.parse(words, { from: 'user' });
    if (settings.init !== undefined) refuseShapeFlags(command);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new CallerError({
      what: error.message.replace(/^error: /, ''),
      where,
      expected: 'settings that are flags of `parsimony train`, in camel case',
    });
  }
  return command.opts<TrainFlags>();
}

function readingOf({ epoch, step, devAccuracy, devLoss, devF1, devMatthews }: EvaluationMetrics): Reading {
  return { epoch, step, accuracy: devAccuracy, loss: devLoss, f1: devF1, matthews: devMatthews };
}

function marked(metrics: EvaluationMetrics, { dev }: TrainingRun['data']): MarkedReading {
  const marks = metrics.devPredicted.map((label, row) => (label === dev[row].label ? '1' : '0'));
  return { ...readingOf(metrics), marks: marks.join('') };
}

/** The share of dev's pairs that exist, for the model that a run has written. */
async function densityIn(device: Device, folder: string, { dev }: TrainingRun['data']): Promise<number> {
  const model = await SentenceClassifier.load(device, folder);
  try {
    return model.density(dev);
  } finally {
    model.release();
  }
}

function resultOf(
  device: Device,
  places: CellPlaces,
  cell: Cell,
  run: TrainingRun,
  density: number,
  { evaluations, epochs, best, last }: TrainingOutcome,
): CellResult {
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const seconds = sum(epochs.map((epoch) => epoch.seconds));
  return {
    experiment: places.experiment,
    contender: cell.contender,
    point: cell.point,
    settings: settingsProper(cell.settings),
    hash: cell.hash,
    data: dataHash(run.data),
    adapter: adapterKey(device),
    density,
    evaluations: evaluations.map(readingOf),
    best: marked(best, run.data),
    last: marked(last, run.data),
    tokensPerSecond: sum(epochs.map((epoch) => epoch.tokensPerSecond * epoch.seconds)) / seconds,
    seconds,
  };
}

/** A cell's settings as flags, on the data of this call. */
function flagsOf(places: CellPlaces, cell: Cell, more: Settings = {}): TrainFlags {
  const { file, data } = places;
  return flagsOfSettings(
    { ...cell.settings, ...more, ...(data !== undefined && { data }) },
    `${file}, ${cell.id}`,
  );
}

/** What names the data of a cell: cells mostly have the same, which need not be read for each. */
async function dataHashOf(places: CellPlaces, cell: Cell): Promise<string> {
  const flags = flagsOf(places, cell);
  const { data, dev, textColumn, labelColumn, tagsColumn, labels } = flags;
  const key = JSON.stringify([data, dev, textColumn, labelColumn, tagsColumn, labels]);
  const hash = places.dataHashes.get(key) ?? dataHash(await examplesOf(dataOf(flags)));
  places.dataHashes.set(key, hash);
  return hash;
}

/** What leads from a cell to the contender whose learned biases its rules are pruned from: `pruned:learned`. */
const PRUNED = /^pruned:(.+)$/;

/** The cell whose learned biases a cell's rules are pruned from, where they are. @throws CallerError where there is none. */
function learnedFor(places: CellPlaces, cell: Cell): Cell | undefined {
  const [, contender] = PRUNED.exec(String(cell.settings.rules)) ?? [];
  if (contender === undefined) return undefined;
  const samePoint = (other: Cell) => JSON.stringify(other.point) === JSON.stringify(cell.point);
  const learned = places.cells.find((other) => other.contender === contender && samePoint(other));
  if (learned?.settings.strategy === 'learned') return learned;
  throw new CallerError({
    what: `rules pruned from "${contender}"`,
    where: `${places.file}, ${cell.id}`,
    expected: 'a contender of this experiment with strategy "learned"',
  });
}

/** @throws CallerError where a cell's settings are no run's, before the first of many hours. */
export function checkCell(places: CellPlaces, cell: Cell): void {
  const { data } = flagsOf(places, cell);
  learnedFor(places, cell);
  if (data !== undefined) return;
  throw new CallerError({
    what: 'no data',
    where: `${places.file}, ${cell.id}`,
    expected: '"data" among the settings, or --data',
  });
}

/** The rules that a cell names; pruned ones are made, from the run that they come from, and stand beside the runs. */
async function rulesOf(device: Device, places: CellPlaces, cell: Cell): Promise<Settings> {
  const learned = learnedFor(places, cell);
  if (!learned) return {};
  const { run } = await finishRun(device, places, learned);
  const { train } = run.data;
  const density = paperDensity(train, run.vocabulary, run.maxLength);
  const model = await SentenceClassifier.load(device, join(places.runs, learned.id));
  try {
    const { rules } = await model.prune(train, density);
    const file = join(places.runs, `${cell.id}.rules.json`);
    await writeWhole(file, formatRules(rules));
    return { rules: file };
  } finally {
    model.release();
  }
}

/** Trains a cell to its end in its folder, or reads what it came to where it is there already. */
async function finishRun(
  device: Device,
  places: CellPlaces,
  cell: Cell,
): Promise<{ run: TrainingRun; outcome: TrainingOutcome }> {
  const flags = flagsOf(places, cell, await rulesOf(device, places, cell));
  const { run } = await runOfFlags(flags);
  await chooseKernels(device, run, flags);
  const folder = join(places.runs, cell.id);
  const display = runDisplay(folder, () => note(`${cell.id}:`));
  const hooks = { ...display, signal: places.signal };
  return { run, outcome: await runTraining(device, run, folder, hooks).finally(display.stop) };
}

/**
 * What a cell came to: as it was kept, or after running it, or the rest of it where it was interrupted.
 * @throws CallerError where a setting makes no sense.
 */
export async function finishCell(device: Device, places: CellPlaces, cell: Cell): Promise<CellResult> {
  const { experiment, runs, results } = places;
  const kept = resultFile(results, experiment, cell);
  const standing = await readResult(kept, cell);
  if (standing && standing.data === (await dataHashOf(places, cell))) return standing;
  const { run, outcome } = await finishRun(device, places, cell);
  const density = await densityIn(device, join(runs, cell.id), run.data);
  const result = resultOf(device, places, cell, run, density, outcome);
  await createFolder(join(results, experiment));
  await writeResult(kept, result);
  return result;
}
