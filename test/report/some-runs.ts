import type { Run } from '../../src/report/runs/run.js';
import type { CellResult } from '../../src/train/experiment/results.js';

/** A finished run with evaluations at steps 10, 20, …, one for each accuracy; losses are 1 - accuracy. */
export function runOf(
  condition: string,
  seed: number,
  accuracies: readonly number[],
  changes: Partial<Run> = {},
): Run {
  const evaluations = accuracies.map((accuracy, at) => ({
    step: 10 * (at + 1),
    accuracy,
    loss: 1 - accuracy,
  }));
  const best = evaluations.reduce<Run['best']>(
    (before, evaluation) => (before && before.accuracy >= evaluation.accuracy ? before : evaluation),
    undefined,
  );
  return {
    name: `runs/${condition}-${seed}`,
    condition,
    seed: `${seed}`,
    evaluations,
    trainingLosses: [],
    best,
    density: condition === 'hard' ? 0.3 : 1,
    isFinished: true,
    settings: { strategy: condition, data: 'some data', epochs: 1, seed },
    adapter: 'an adapter',
    data: '0123456789abcdef',
    command: `parsimony train --strategy ${condition} --seed ${seed}`,
    ...changes,
  };
}

/** The result of a cell of an experiment that predicted `right` of ten rows correctly. */
export function cellOf(condition: string, seed: number, right: number, changes: Partial<CellResult> = {}) {
  const evaluation = { epoch: 1, step: 10, accuracy: right / 10, loss: 0.5, f1: 0, matthews: 0 };
  const marked = { ...evaluation, marks: '1'.repeat(right).padEnd(10, '0') };
  const cell: CellResult = {
    experiment: 'small',
    condition,
    point: { seed },
    settings: { strategy: condition, seed },
    data: '1',
    adapter: 'an adapter',
    density: 0.5,
    evaluations: [evaluation],
    best: marked,
    final: marked,
    tokensPerSecond: 1,
    seconds: 1,
    ...changes,
  };
  return cell;
}
