import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchesInOrder, shuffledBatches } from '../../src/data/batches.js';
import { anySeed, runs } from '../support/arbitraries.js';

const anyCount = fc.integer({ min: 0, max: 300 });
const anySize = fc.integer({ min: 1, max: 70 });
const anyEpoch = fc.integer({ min: 1, max: 1000 });

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function expectSizes(batches: number[][], count: number, size: number): void {
  const lengths = batches.map(({ length }) => length);
  expect(lengths).toEqual(upTo(Math.ceil(count / size)).map((batch) => Math.min(size, count - batch * size)));
}

describe('batchesInOrder', () => {
  it('splits all rows in their order', () => {
    fc.assert(
      fc.property(anyCount, anySize, (count, size) => {
        const batches = batchesInOrder(count, size);
        expectSizes(batches, count, size);
        expect(batches.flat()).toEqual(upTo(count));
      }),
      runs(200),
    );
  });
});

describe('shuffledBatches', () => {
  it('has every row once an epoch', () => {
    fc.assert(
      fc.property(anyCount, anySize, anySeed, anyEpoch, (count, size, seed, epoch) => {
        const batches = shuffledBatches(count, size, seed, epoch);
        expectSizes(batches, count, size);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(upTo(count));
      }),
      runs(200),
    );
  });

  it('has the order of its seed and epoch, for any size of batches', () => {
    fc.assert(
      fc.property(anySeed, anyEpoch, anySize, (seed, epoch, size) => {
        const order = shuffledBatches(100, 7, seed, epoch).flat();
        expect(shuffledBatches(100, size, seed, epoch).flat()).toEqual(order);
        expect(shuffledBatches(100, 7, seed + 1, epoch).flat()).not.toEqual(order);
        expect(shuffledBatches(100, 7, seed, epoch + 1).flat()).not.toEqual(order);
      }),
      runs(100),
    );
  });

  it('has every order equally often', () => {
    const epochs = 6000;
    const counts = new Map<string, number>();
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const order = shuffledBatches(3, 3, 42, epoch).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    const fiveDeviations = 5 * Math.sqrt(epochs * (1 / 6) * (5 / 6));
    for (const [order, count] of counts) {
      expect(Math.abs(count - epochs / 6), order).toBeLessThan(fiveDeviations);
    }
  });
});
