import { hostRandom, shuffle } from '../base/random.js';

/** Makes the order independent of other random numbers with the same seed. */
const SHUFFLE = 0x0b47c4e5;

/** Splits 0 … count - 1 into batches of `size`. The last one may be smaller. */
export function batchesInOrder(count: number, size: number): number[][] {
  const batches: number[][] = [];
  for (let start = 0; start < count; start += size) {
    batches.push(Array.from({ length: Math.min(size, count - start) }, (_, index) => start + index));
  }
  return batches;
}

/** The batches of an epoch: every example once, in random order. The order depends on seed and epoch alone. */
export function shuffledBatches(count: number, size: number, seed: number, epoch: number): number[][] {
  const order = Array.from({ length: count }, (_, index) => index);
  shuffle(order, hostRandom(SHUFFLE, seed, epoch));
  return batchesInOrder(count, size).map((batch) => batch.map((index) => order[index]));
}
