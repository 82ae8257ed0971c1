import { randomStream } from '../base/random.js';
import type { Split } from './dataset.js';

/** The share of the texts that dev, or test, takes where the data do not have it. */
const SHARE = 0.1;

/**
 * The split that the seed draws for a text, which depends on nothing else.
 * @param others The splits beside train. Each takes a tenth of all texts.
 */
export function drawnSplit(text: string, seed: number, others: readonly Split[]): Split {
  const share = randomStream(seed, ...Array.from(text, (character) => character.codePointAt(0)!)) / 2 ** 32;
  return others[Math.floor(share / SHARE)] ?? 'train';
}
