/**
 * The masks that the kernels draw, by the algorithm of kernels/random.wesl and its users: a random
 * word is a chain of 32-bit finalizers over numbers that identify the value. It shares no code with src/.
 */

/** The finalizer "lowbias32" (Wellons, hash-prospector). */
function finalized(word: number): number {
  let h = word >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}

const GOLDEN_RATIO = 0x9e3779b9;

/** The random word at the end of a path: stream, then the numbers of `path` one after another. */
function randomWord(stream: number, path: readonly number[]): number {
  let chain = stream >>> 0;
  for (const number of path) chain = finalized(chain + Math.imul(number + 1, GOLDEN_RATIO));
  return chain;
}

/** The stream of a site in the model: a path from 0 over seed, step, layer and site. */
export function streamOf(...path: number[]): number {
  return randomWord(0, path);
}

export interface Mask {
  probability: number;
  stream: number;
}

function keepFactor({ probability, stream }: Mask, path: readonly number[]): number {
  const dropped = randomWord(stream, path) < Math.floor(probability * 2 ** 32);
  return dropped ? 0 : 1 / (1 - probability);
}

/** What a value of a hidden state is multiplied by. `row` is its token, or sentence, in the caller's order. */
export function hiddenFactor(mask: Mask, row: number, channel: number): number {
  return keepFactor(mask, [row, channel]);
}

/** What an attention probability is multiplied by. Query and key are tokens of the batch in the caller's order. */
export function attentionFactor(mask: Mask, head: number, query: number, key: number): number {
  return keepFactor(mask, [head, query, key]);
}
