import { join } from 'node:path';
import type { Cell, Experiment } from '../../../src/train/experiment/experiment.js';
import { parseExperiment } from '../../../src/train/experiment/parse-experiment.js';
import type { CellResult } from '../../../src/train/experiment/results.js';

/** A grid of 24 cells, of which a third needs the results of another third, on the data of `writeTinyData`. */
export function gridIn(folder: string): Experiment {
  return parseExperiment(
    JSON.stringify({
      name: 'grid',
      settings: { data: join(folder, 'data'), strategy: 'hard' },
      conditions: {
        none: { strategy: 'none' },
        learned: { strategy: 'learned' },
        pruned: { rules: 'pruned:learned' },
      },
      grid: { epochs: [1, 2], seed: [1, 2, 3, 4] },
    }),
    'grid.json',
  );
}

/** A result that depends only on the cell and the data, as that of a training does. */
export function resultOf({ condition, point, settings }: Cell, data: string, adapter = 'one'): CellResult {
  const right = (Number(point.seed) + Number(point.epochs) + condition.length) % 6;
  const marks = '1'.repeat(right).padEnd(6, '0');
  const metrics = { epoch: 1, step: 3, loss: right / 7, accuracy: right / 6, f1: 0.5, matthews: 0 };
  const evaluation = { ...metrics, marks };
  const { data: _, ...others } = settings;
  return {
    ...{ experiment: 'grid', condition, point, settings: others, data, adapter, density: 1 },
    versions: { kernels: 'k', driver: adapter },
    ...{ evaluations: [metrics], best: evaluation, final: evaluation, tokensPerSecond: 100, seconds: 2 },
  };
}
