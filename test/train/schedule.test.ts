import { describe, expect, it } from 'vitest';
import { rateAt, type Schedule } from '../../src/train/schedule.js';

function rates(
  schedule: Omit<Schedule, 'lrScheduler'>,
  steps: number,
  lrScheduler: Schedule['lrScheduler'] = 'linear',
): number[] {
  return Array.from({ length: steps }, (_, index) => rateAt({ lrScheduler, ...schedule }, index + 1));
}

describe('the learning rate', () => {
  it('rises in even steps to its full height, then falls in even steps to 0', () => {
    const schedule = { learningRate: 8, warmupSteps: 4, totalSteps: 12 };
    expect(rates(schedule, 14)).toEqual([2, 4, 6, 8, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]);
  });

  it('falls from the first step where there is no warm-up', () => {
    expect(rates({ learningRate: 1, warmupSteps: 0, totalSteps: 4 }, 5)).toEqual([1, 0.75, 0.5, 0.25, 0]);
  });

  it('is never 0 or above its maximum within a run, and reaches the maximum', () => {
    for (const [warmupSteps, totalSteps] of [
      [0, 1],
      [1, 1],
      [1, 2],
      [500, 6315],
    ]) {
      const all = rates({ learningRate: 5e-4, warmupSteps, totalSteps }, totalSteps);
      expect(Math.min(...all)).toBeGreaterThan(0);
      expect(Math.max(...all)).toBeCloseTo(5e-4, 15);
    }
  });

  it('only rises where the warm-up is longer than the run', () => {
    expect(rates({ learningRate: 10, warmupSteps: 10, totalSteps: 3 }, 3)).toEqual([1, 2, 3]);
  });

  it('follows half a cosine to 0, or stays', () => {
    const schedule = { learningRate: 8, warmupSteps: 2, totalSteps: 6 };
    const half = Math.SQRT1_2;
    const cosine = [4, 8, 8, 4 * (1 + half), 4, 4 * (1 - half), 0, 0];
    rates(schedule, 8, 'cosine').forEach((rate, step) => {
      expect(rate).toBeCloseTo(cosine[step], 14);
    });
    expect(rates(schedule, 8, 'constant')).toEqual([4, 8, 8, 8, 8, 8, 8, 8]);
  });
});
