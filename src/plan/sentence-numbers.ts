import { CallerError } from '../base/errors.js';
import type { PairTable } from '../grammar/pair-table.js';
import { NO_SENTENCE, reachesSentence } from '../grammar/scope.js';

function asksForSentences({ scopes }: PairTable): boolean {
  return scopes !== undefined && [...scopes.hard, ...scopes.soft].some(reachesSentence);
}

/**
 * The sentence of each token, where some rule needs it. Without numbers, each sequence is one sentence. Sentences are numbered from 0
 * again, because the kernels compare them as f32.
 *
 * @throws CallerError where a number is not a sentence number, or the numbers do not ascend.
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
    what: isNumber ? `sentence ${sentence} after sentence ${last}` : `sentence ${sentence}`,
    where: `sentences[${token}]`,
    expected: isNumber ? 'numbers that ascend within a sequence' : `an integer from 0 to ${NO_SENTENCE}`,
  });
}
