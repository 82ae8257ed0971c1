import { describe, expect, it } from 'vitest';
import { afterEvaluation, bestOf, type EarlyStopping } from '../../src/train/best.js';
import type { EvaluationMetrics } from '../../src/train/trainer.js';

function evaluation(step: number, [devAccuracy, devF1, devMatthews, devLoss]: number[]): EvaluationMetrics {
  return { epoch: 1, step, devAccuracy, devF1, devMatthews, devLoss, devPredicted: [] };
}

const EVALUATIONS = [
  [0.8, 0.7, 0.5, 0.4],
  [0.9, 0.7, 0.4, 0.5],
  [0.9, 0.8, 0.4, 0.3],
  [0.7, 0.6, 0.6, 0.3],
].map((values, index) => evaluation(index + 1, values));

describe('the best evaluation', () => {
  it.each([
    ['accuracy', 3],
    ['f1', 3],
    ['matthews', 4],
    ['loss', 3],
  ] as const)('by %s is that of step %i, the one with the lowest loss among equals', (by, step) => {
    expect(bestOf(by, EVALUATIONS)?.step).toBe(step);
  });

  it('is the first of equals, and among equals a loss of NaN is the worst', () => {
    const equal = [1, 2].map((step) => evaluation(step, [0.8, 0.7, 0.5, 0.4]));
    const diverged = evaluation(0, [0.8, 0.7, 0.5, Number.NaN]);
    for (const by of ['accuracy', 'f1', 'matthews', 'loss'] as const) {
      expect(bestOf(by, equal)?.step).toBe(1);
      expect(bestOf(by, [diverged, ...equal, diverged])?.step).toBe(1);
    }
  });

  it('by loss never has a loss of NaN, unless all have', () => {
    const diverged = evaluation(0, [0.5, 0, 0, Number.NaN]);
    expect(bestOf('loss', [diverged, ...EVALUATIONS, diverged])?.step).toBe(3);
    expect(bestOf('loss', [diverged, diverged])).toBe(diverged);
  });

  it('of no evaluations is undefined', () => {
    expect(bestOf('accuracy', [])).toBeUndefined();
  });
});

describe('the evaluations since the best', () => {
  /** After each evaluation, the number of evaluations since the best one. */
  function counted(by: 'accuracy' | 'loss', values: number[]): number[] {
    let state: EarlyStopping | undefined;
    return values.map((value, at) => {
      const scores = by === 'loss' ? [0.5, 0, 0, value] : [value, 0, 0, 1 / (at + 1)];
      state = afterEvaluation(by, evaluation(at + 1, scores), state);
      return state.since;
    });
  }

  it('count equal ones of any loss, and start again at a better one', () => {
    expect(counted('accuracy', [0.5, 0.5, 0.4, 0.6, 0.6, 0.5])).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('by loss start again at a lower one', () => {
    expect(counted('loss', [0.5, 0.6, 0.4, 0.4])).toEqual([0, 1, 0, 1]);
  });
});
