import { describe, expect, it } from 'vitest';
import { hostRandom } from '../../../src/gpu/random.js';
import {
  holm,
  meanOverSeeds,
  pairedDifference,
  pairedTest,
  studentQuantile,
} from '../../../src/train/experiment/statistics.js';

describe("Student's quantile", () => {
  // Of any printed table, two-sided 95 %.
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

/** Marks of so many rows, each right with a probability that depends on the row. */
function draw(rows: number, seed: number, better = 0): Uint8Array {
  const difficulty = hostRandom(99);
  const random = hostRandom(seed);
  return Uint8Array.from({ length: rows }, () => (random() < 0.4 + 0.5 * difficulty() + better ? 1 : 0));
}

describe('a paired difference', () => {
  const [one, other] = [
    [draw(800, 1, 0.1), draw(800, 2, 0.1)],
    [draw(800, 3), draw(800, 4)],
  ];

  it('is that of the accuracies, within an interval that holds it', () => {
    const accuracy = (marks: Uint8Array[]) =>
      (marks[0].reduce((a, b) => a + b) + marks[1].reduce((a, b) => a + b)) / 1600;
    const { value, low, high } = pairedDifference(one, other);
    expect(value).toBeCloseTo(accuracy(one) - accuracy(other), 12);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(low).toBeGreaterThan(0);
  });

  it('is found where it is, and not where it is not', () => {
    expect(pairedTest(one, other)).toBeLessThan(0.01);
    expect(pairedTest(one, one)).toBe(1);
    const chances = Array.from({ length: 40 }, (_, seed) =>
      pairedTest([draw(300, 2 * seed + 100)], [draw(300, 2 * seed + 101)], seed),
    );
    // Of forty true nulls about two fall below 0.05; eight would be a probability of 0.0005.
    expect(chances.filter((chance) => chance < 0.05).length).toBeLessThan(8);
    expect(chances.filter((chance) => chance > 0.5).length).toBeGreaterThan(8);
  });

  it('comes to the sign test where every row differs by one', () => {
    // Ten rows, all won: 2 / 2^10 of the sign patterns are as extreme.
    const won = [Uint8Array.from({ length: 10 }, () => 1)];
    const lost = [new Uint8Array(10)];
    expect(pairedTest(won, lost)).toBeCloseTo(2 / 1024, 2);
    expect(pairedTest(won, lost)).toBeLessThan(0.006);
  });
});

describe("Holm's correction", () => {
  it('multiplies by how many tests are left, and never falls', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.5, 0.9])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
