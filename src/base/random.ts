import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** The 32-bit finalizer of the kernels (constants: Wellons, hash-prospector, "lowbias32"). */
function mixed(word: number): number {
  let h = word >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The key of a random stream: a chain over some numbers, such as (seed, step, layer). The kernels extend the chain by head, query and
 * key, so that the random word of a pair does not depend on tiles or order.
 */
export function randomStream(...words: number[]): number {
  return words.reduce((chain, word) => mixed((chain + Math.imul((word >>> 0) + 1, 0x9e3779b9)) >>> 0), 0);
}

export interface Dropout {
  /** The probability with which a value is set to 0; the others are scaled by 1 / (1 - probability). */
  probability: number;
  /** From `randomStream`. */
  stream: number;
}

/** The three dropout parameters that kernels share. Without dropout, the limit is 0. */
export function dropoutParameters(dropout: Dropout | undefined) {
  const probability = dropout?.probability ?? 0;
  return {
    dropout_limit: Math.floor(probability * 2 ** 32),
    dropout_scale: 1 / (1 - probability),
    dropout_stream: dropout?.stream ?? 0,
  };
}

/** Uniform numbers, 0 <= x < 1, on the host: for initial weights, the order of the data, generated text. */
export function hostRandom(...words: number[]): () => number {
  const generator = xoroshiro128plus(randomStream(...words));
  return () => uniformFloat64(generator);
}

/** Shuffles in place (Fisher & Yates, as Durstenfeld 1964 wrote it). */
export function shuffle<T>(items: T[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
}
