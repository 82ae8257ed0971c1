import { describe, expect, it } from 'vitest';
import {
  holm,
  meanOverSeeds,
  seedTest,
  studentQuantile,
} from '../../../src/train/experiment/seed-statistics.js';

describe("Student's quantile", () => {
  // From printed tables, two-sided 95 %.
  it.each([
    [1, 12.7062],
    [2, 4.3027],
    [3, 3.1824],
    [4, 2.7764],
    [9, 2.2622],
    [30, 2.0423],
    [1000, 1.9623],
  ])('of %d degrees of freedom is %d', (freedom, quantile) => {
    expect(studentQuantile(freedom)).toBeCloseTo(quantile, 3);
  });
});

describe('the mean over seeds', () => {
  it("has Student's interval", () => {
    // 0.80, 0.82, 0.84: standard error 0.02 / √3, times 4.3027.
    const { value, low, high } = meanOverSeeds([0.8, 0.82, 0.84]);
    expect(value).toBeCloseTo(0.82, 12);
    expect(high - value).toBeCloseTo((4.3027 * 0.02) / Math.sqrt(3), 5);
    expect(value - low).toBeCloseTo(high - value, 12);
  });

  it('has no interval for one seed', () => {
    expect(meanOverSeeds([0.8])).toEqual({ value: 0.8, low: Number.NaN, high: Number.NaN });
  });
});

describe('the test paired by seed', () => {
  it('is the sign test where every seed has the same difference', () => {
    // Ten seeds, all won: 2 of 2^10 patterns of signs are as extreme.
    expect(seedTest(new Array(10).fill(0.01))).toBe(2 / 1024);
    expect(seedTest(new Array(10).fill(-0.01))).toBe(2 / 1024);
  });

  it('counts the patterns of signs with a sum at least as large', () => {
    // Sums of ±1 ±2 ±3 that are at least 4 from 0: 1 + 2 + 3, -1 + 2 + 3, and both turned.
    expect(seedTest([-0.1, 0.2, 0.3])).toBe(4 / 8);
    expect(seedTest([0.1, 0.2, 0.3])).toBe(2 / 8);
    expect(seedTest([0, 0, 0])).toBe(1);
    expect(seedTest([0.5])).toBe(1);
  });

  it('draws patterns where there are too many to count', () => {
    const differences = Array.from({ length: 20 }, (_, at) => (at < 14 ? 1 : -1));
    // A sum of 8 or more from 0 among twenty signs: at most 6 or at least 14 of them positive, 0.1153.
    expect(seedTest(differences)).toBeCloseTo(0.1153, 1);
    expect(seedTest(new Array(20).fill(1))).toBe(1 / 10_001);
  });
});

describe("Holm's correction", () => {
  it('multiplies by the number of tests that are left, and never falls', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.5, 0.9])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
