import { WeakCache } from '../base/weak-cache.js';
import { allows, type PairTable } from '../grammar/pair-table.js';

/** Bits of a word. */
const WORD = 32;

/** A pair table whose biases are 0 and one other number, as bits: for each tag, its pairs, and those with that bias. */
export interface LabelBits {
  /** The bias that is not 0; 0 where there is none. */
  bias: number;
  /** Words with a bit for every tag. */
  words: number;
  /** For each tag of a query, the words of the keys' tags with which pairs exist, then of those with the bias. */
  ofQueries: Uint32Array;
  /** The same for each tag of a key. */
  ofKeys: Uint32Array;
}

/** The one bias that is not 0, or undefined where there are several. */
function onlyBias(table: PairTable): number | undefined {
  let only = 0;
  for (let at = 0; at < table.biases.length; at++) {
    const bias = table.biases[at];
    if (bias === 0 || bias === only || !allows(table, Math.floor(at / table.size), at % table.size)) continue;
    if (only !== 0) return undefined;
    only = bias;
  }
  return only;
}

function bitsOf(table: PairTable): LabelBits | undefined {
  const bias = table.learned ? undefined : onlyBias(table);
  if (bias === undefined) return undefined;
  const { size, biases } = table;
  const words = Math.ceil(size / WORD);
  const [ofQueries, ofKeys] = [new Uint32Array(2 * words * size), new Uint32Array(2 * words * size)];
  const mark = (bits: Uint32Array, tag: number, other: number, isBiased: boolean) => {
    const word = 2 * words * tag + (isBiased ? words : 0) + Math.floor(other / WORD);
    bits[word] |= 2 ** (other % WORD);
  };
  for (let query = 0; query < size; query++) {
    for (let key = 0; key < size; key++) {
      if (!allows(table, query, key)) continue;
      mark(ofQueries, query, key, false);
      mark(ofKeys, key, query, false);
      if (biases[query * size + key] === 0) continue;
      mark(ofQueries, query, key, true);
      mark(ofKeys, key, query, true);
    }
  }
  return { bias, words, ofQueries, ofKeys };
}

const cache = new WeakCache<{ bits: LabelBits | undefined }>();

/** A pair table as bits, or undefined where biases are learned or have more than one value except 0. */
export function labelBits(table: PairTable): LabelBits | undefined {
  return cache.get([{ object: table, part: '' }], () => ({ bits: bitsOf(table) })).bits;
}
