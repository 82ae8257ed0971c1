import { describe, expect, it } from 'vitest';
import {
  equivalenceTest,
  holm,
  meanOverSeeds,
  pairedTests,
  signFlipTail,
  studentQuantile,
  studentTail,
} from '../../../src/train/experiment/seed-statistics.js';

describe("Student's quantile", () => {
  // From printed tables, for two-sided intervals of 95 %.
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

describe("Student's tail", () => {
  // One degree of freedom is Cauchy's distribution; two have a closed form; the others are from printed tables.
  it.each([
    [1, 1, 0.25],
    [-1, 1, 0.75],
    [2, 2, 0.5 - 2 / (2 * Math.sqrt(2 + 4))],
    [2.262157, 9, 0.025],
    [1.833113, 9, 0.05],
    [3.249836, 9, 0.005],
  ])('above %d with %d degrees of freedom is %d', (t, freedom, tail) => {
    expect(studentTail(t, freedom)).toBeCloseTo(tail, 6);
  });

  it('is never below 0, nor above 1', () => {
    expect(studentTail(28.969681123271585, 54)).toBe(0);
    expect(studentTail(-159187.6852326095, 177)).toBe(1);
  });
});

describe('the tests paired by seed', () => {
  const signs = (differences: readonly number[]) => pairedTests(differences).signFlip;

  it('are the sign test where every seed has the same difference', () => {
    // All ten seeds have the same sign: 2 of 2^10 patterns of signs are as extreme.
    expect(pairedTests(new Array(10).fill(0.01))).toEqual({ student: 0, signFlip: 2 / 1024 });
    expect(signs(new Array(10).fill(-0.01))).toBe(2 / 1024);
    expect(pairedTests(new Array(10).fill(0))).toEqual({ student: 1, signFlip: 1 });
  });

  it('count the patterns of signs with a sum at least as large', () => {
    // Sums of ±1 ±2 ±3 that are at least 4 from 0: 1 + 2 + 3, -1 + 2 + 3, and both with the other sign.
    expect(signs([-0.1, 0.2, 0.3])).toBe(4 / 8);
    expect(signs([0.1, 0.2, 0.3])).toBe(2 / 8);
    expect(signs([0, 0, 0])).toBe(1);
    expect(signs([0.5, 0.5])).toBe(2 / 4);
  });

  it('count exactly what a loop over all patterns counts', () => {
    const differences = [0.3, -0.1, 0.7, 0.25, -0.4, 0.11, 0.6, -0.05, 0.2, 0.33, 0.09];
    const observed = differences.reduce((a, b) => a + b, 0);
    let large = 0;
    for (let pattern = 0; pattern < 2 ** 11; pattern++) {
      const sum = differences.reduce((total, one, at) => total + ((pattern >> at) & 1 ? -one : one), 0);
      if (Math.abs(sum) >= observed - 1e-9) large++;
    }
    expect(signs(differences)).toBe(large / 2 ** 11);
  });

  it('are exact for twenty seeds, and draw patterns for very many', () => {
    const differences = Array.from({ length: 20 }, (_, at) => (at < 14 ? 1 : -1));
    // A sum of 8 or more from 0 among twenty signs: at most 6 or at least 14 of them positive, 2 x 60460 patterns.
    expect(signs(differences)).toBe((2 * 60_460) / 2 ** 20);
    expect(signs(new Array(50).fill(1))).toBe(2 / 10_001);
  });

  it("have Student's probability of the mean", () => {
    // Mean 0.02, standard deviation 0.02, three seeds: t = √3, with two degrees of freedom.
    const t = Math.sqrt(3);
    expect(pairedTests([0, 0.02, 0.04]).student).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 6);
  });
});

describe('the test of equality', () => {
  it('is the worse of two one-sided tests against the margin', () => {
    const differences = [-0.02, 0.02, -0.01, 0.01, 0, 0.02, -0.02, 0.01, -0.01, 0.005];
    const average = differences.reduce((a, b) => a + b, 0) / 10;
    const variance = differences.reduce((sum, one) => sum + (one - average) ** 2, 0) / 9;
    const t = (0.02 - average) / Math.sqrt(variance / 10);
    const { length } = differences;
    const tail = signFlipTail(differences.map((one) => 0.02 - one));
    expect(equivalenceTest(differences, 0.02)).toBe(Math.max(studentTail(t, length - 1), tail));
    expect(equivalenceTest(differences, 0.02)).toBeLessThan(0.05);
    expect(equivalenceTest(differences, 0.001)).toBeGreaterThan(0.05);
  });

  it('is not shown by few seeds without variance', () => {
    expect(equivalenceTest([0, 0, 0], 0.01)).toBe(1 / 8);
    expect(equivalenceTest(new Array(10).fill(0), 0.01)).toBe(1 / 1024);
    expect(equivalenceTest(new Array(10).fill(0.02), 0.01)).toBe(1);
  });
});

describe("Holm's correction", () => {
  it('multiplies by the number of tests that are left, and never falls', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.5, 0.9])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
