import { CallerError } from '../base/errors.js';
import type { PairTable } from '../grammar/pair-table.js';
import { NO_SENTENCE, NOWHERE, reachesSentence, windowOf } from '../grammar/scope.js';
import { visibilityOf } from './derived.js';
import { emptyBatch, type SortedBatch, type SortKeys, sortSequence } from './runs.js';

function asksForSentences({ scopes }: PairTable): boolean {
  return scopes !== undefined && [...scopes.hard, ...scopes.soft].some(reachesSentence);
}

/**
 * The sentence of each token where some rule asks for it; each sequence is one where none are given. They are numbered anew
 * from 0, as the kernels compare them as f32.
 *
 * @throws CallerError where they are no sentence numbers, or do not ascend.
 */
export function sentencesFor(
  tables: readonly PairTable[],
  tokens: number,
  sentences: ArrayLike<number> | undefined,
  lengths: Uint32Array,
): Uint32Array | undefined {
  if (!tables.some(asksForSentences)) return undefined;
  const numbers = new Uint32Array(tokens);
  if (!sentences) return numbers;
  if (sentences.length !== tokens) {
    throw new CallerError({
      what: `${sentences.length} sentence numbers`,
      where: 'sentences',
      expected: `${tokens}`,
    });
  }
  let token = 0;
  for (const length of lengths) {
    let last = 0;
    let count = 0;
    for (const end = token + length; token < end; token++) {
      const sentence = checkedSentence(sentences, token, last);
      if (sentence === NO_SENTENCE) {
        numbers[token] = NO_SENTENCE;
        continue;
      }
      if (sentence > last) count++;
      numbers[token] = count;
      last = sentence;
    }
  }
  return numbers;
}

function checkedSentence(sentences: ArrayLike<number>, token: number, last: number): number {
  const sentence = sentences[token];
  if (Number.isInteger(sentence) && sentence >= last && sentence <= NO_SENTENCE) return sentence;
  const isNumber = Number.isInteger(sentence) && sentence >= 0 && sentence <= NO_SENTENCE;
  throw new CallerError({
    what: isNumber ? `sentence ${sentence} behind sentence ${last}` : `sentence ${sentence}`,
    where: `sentences[${token}]`,
    expected: isNumber ? 'numbers that ascend within a sequence' : `an integer from 0 to ${NO_SENTENCE}`,
  });
}

/** Sorts each sequence by tag, or by sentence first where that leaves the kernels less to do. */
export function sortedBatch(keys: SortKeys, lengths: Uint32Array, tables: readonly PairTable[]): SortedBatch {
  const batch = emptyBatch(keys.tags.length, keys.sentences !== undefined);
  let start = 0;
  for (const length of lengths) {
    const bySentence = keys.sentences !== undefined && staysInSentences(keys, start, length, tables);
    batch.sequences.push(sortSequence(batch, keys, start, length, bySentence));
    start += length;
  }
  return batch;
}

/**
 * Whether no two tokens of a sequence see each other across sentences, unless one of them is of the document. Sorting by
 * sentence first then leaves each tile the columns of its few sentences; a tile of one tag would span many of them.
 */
function staysInSentences(
  { tags, sentences }: SortKeys,
  start: number,
  length: number,
  tables: readonly PairTable[],
): boolean {
  const { size } = tables[0];
  const present = new Set<number>();
  let count = 0;
  let last = -1;
  for (let token = start; token < start + length; token++) {
    if (sentences![token] === NO_SENTENCE) continue;
    present.add(tags[token]);
    if (sentences![token] !== last) count++;
    last = sentences![token];
  }
  if (count < 2) return false;
  return tables.every((table) => {
    const { reach } = visibilityOf(table, 'queries');
    return [...present].every((query) =>
      [...present].every((key) => {
        const between = reach[query * size + key];
        return between === NOWHERE || (reachesSentence(between) && windowOf(between) < 0);
      }),
    );
  });
}
