import type { Device } from '../gpu/device.js';
import type { RateSweep } from '../train/rate-sweep.js';
import { newModel, type TrainingRun } from '../train/training-run.js';
import { type JsonTarget, wroteJson } from './output-files.js';
import { note, print, printTable } from './terminal.js';

/** Rows of the printed curve. */
const ROWS = 20;
const WIDTH = 40;

/** `parsimony train --find-lr`: sweeps the learning rate of a run, and writes nothing but the result. */
export async function findRate(device: Device, run: TrainingRun, json: JsonTarget): Promise<void> {
  const model = newModel(device, run);
  try {
    note('Trains up to 100 steps at growing learning rates; no model is saved.');
    const sweep = await model.findLearningRate(run.data.train, run);
    if (!(await wroteJson(json, sweep))) printSweep(sweep);
  } finally {
    model.release();
  }
}

function printSweep({ rates, losses, smoothed, suggestion }: RateSweep): void {
  const [low, high] = [Math.min(...smoothed), Math.max(...smoothed)];
  const bar = (loss: number) => '█'.repeat(Math.round((WIDTH * (loss - low)) / (high - low || 1)));
  const every = Math.max(1, Math.ceil(rates.length / ROWS));
  const shown = rates.map((_, step) => step).filter((step) => step % every === 0);
  printTable(
    ['learning rate', 'loss', 'smoothed', ''],
    shown.map((step) => [
      rates[step].toExponential(1),
      losses[step].toFixed(4),
      smoothed[step].toFixed(4),
      bar(smoothed[step]),
    ]),
  );
  print();
  if (suggestion === undefined) {
    print(
      'The loss does not fall at any rate, so that there is nothing to suggest: check labels and settings.',
    );
    return;
  }
  print(
    `A tenth of the rate with the lowest smoothed loss: --learning-rate ${Number(suggestion.toPrecision(2))}`,
  );
}
