import { describe, expect, it } from 'vitest';
import { sweepOf, sweptRates } from '../../src/train/rate-sweep.js';
import { smallModel, TEXTS, withModel } from './models.js';

const RATES = sweptRates();

describe('a sweep of learning rates', () => {
  it('is a geometric series from 1e-8 to 1', () => {
    expect(RATES).toHaveLength(100);
    expect([RATES[0], RATES[99]]).toEqual([1e-8, expect.closeTo(1, 12)]);
    for (let step = 1; step < 100; step++)
      expect(RATES[step] / RATES[step - 1]).toBeCloseTo(10 ** (8 / 99), 12);
  });

  it('suggests a tenth of the rate with the lowest smoothed loss, and leaves out what diverged', () => {
    // Falls from step 40 on, and explodes at step 80.
    const losses = RATES.map((_, step) => (step < 40 ? 1 : step < 80 ? 1 - (step - 39) / 50 : 100));
    const { rates, smoothed, suggestion } = sweepOf(RATES, losses);
    const lowest = smoothed.indexOf(Math.min(...smoothed));
    expect(lowest).toBe(79);
    expect(suggestion).toBe(RATES[79] / 10);
    expect(rates.length).toBeLessThan(100);
    expect(rates.length).toBeGreaterThanOrEqual(80);
  });

  it('smooths as a weighted mean whose weights fall by 0.98 a step', () => {
    const { smoothed } = sweepOf(RATES, [1, 3, 2]);
    expect(smoothed[0]).toBeCloseTo(1, 12);
    expect(smoothed[1]).toBeCloseTo((0.98 * 1 + 3) / (0.98 + 1), 12);
    expect(smoothed[2]).toBeCloseTo((0.98 ** 2 + 0.98 * 3 + 2) / (0.98 ** 2 + 0.98 + 1), 12);
  });

  it('suggests nothing where the loss does not fall, and ends at a loss of NaN', () => {
    expect(
      sweepOf(
        RATES,
        RATES.map((_, step) => 1 + step / 1000),
      ).suggestion,
    ).toBeUndefined();
    expect(sweepOf(RATES, [1, 1, Number.NaN, 1]).losses).toEqual([1, 1]);
  });
});

describe('findLearningRate', () => {
  const examples = TEXTS.map((text, at) => ({ text, label: at % 2 }));

  it('trains at growing rates, and leaves the model and its optimizer as they were', async () => {
    await withModel(smallModel('hard'), async (model) => {
      await model.train(examples, examples, { epochs: 1, batchSize: 2 });
      const before = await model.weights();
      const sweep = await model.findLearningRate(examples, { batchSize: 2, epochs: 1 });
      expect(sweep.losses.length).toBeGreaterThan(20);
      expect(sweep.rates).toEqual(RATES.slice(0, sweep.losses.length));
      expect(new Set(sweep.losses).size).toBeGreaterThan(10);
      expect(await model.weights()).toEqual(before);
      expect(await model.findLearningRate(examples, { batchSize: 2, epochs: 1 }), 'again').toEqual(sweep);
    });
  });
});
