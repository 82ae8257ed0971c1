import { randomStream } from '../base/random.js';
import { NO_SENTENCE } from '../grammar/scope.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';

/** Makes the masks independent of other random numbers with the same seed. */
const MASKING = 0x6d61736b;

export interface Masking {
  /** The probability that a token is masked. [CLS], [SEP] and [PAD] never are. */
  probability: number;
  /** The id of [MASK]. */
  maskId: number;
  seed: number;
}

/**
 * Replaces random tokens of a sentence by [MASK] and keeps their tags. The random numbers depend on seed, epoch, example and
 * position alone, not on batches.
 * @param example The index of the sentence in its data.
 */
export function masked(
  sentence: TaggedTokens,
  { probability, maskId, seed }: Masking,
  epoch: number,
  example: number,
): TaggedTokens {
  if (probability === 0) return sentence;
  const stream = randomStream(MASKING, seed, epoch, example);
  const ids = sentence.ids.map((id, position) => {
    if (sentence.sentences[position] === NO_SENTENCE) return id;
    return randomStream(stream, position) < probability * 2 ** 32 ? maskId : id;
  });
  return { ...sentence, ids };
}

/** The masks of masked-language modelling (Devlin et al. 2019, arXiv 1810.04805). */
export interface MlmMasking extends Masking {
  /** The number of token ids, of which a replaced token gets any. */
  vocabularySize: number;
}

/** A sentence as a model reads it, and the tokens that it should find. */
export interface MlmSentence {
  sentence: TaggedTokens;
  /** Positions in the sentence, ascending. */
  positions: number[];
  /** The ids before masking. */
  labels: number[];
}

/** The number of tokens of a sentence that are masked, as in BERT's own data: a share of its words' tokens, one at least. */
export function mlmTokens({ sentences }: TaggedTokens, probability: number): number {
  const inner = sentences.reduce((count, sentence) => count + Number(sentence !== NO_SENTENCE), 0);
  return Math.min(inner, Math.max(1, Math.round(probability * inner)));
}

/**
 * Draws the tokens that a model should find. 80 % of them are read as [MASK], 10 % as a random token and 10 % as they are; all keep
 * their tags. The random numbers depend on seed, epoch, example and position alone, not on batches.
 * @param example The index of the sentence in its data.
 */
export function mlmMasked(
  sentence: TaggedTokens,
  { probability, maskId, vocabularySize, seed }: MlmMasking,
  epoch: number,
  example: number,
): MlmSentence {
  const stream = randomStream(MASKING, seed, epoch, example);
  const uniform = (position: number, use: number) => randomStream(stream, position, use) / 2 ** 32;
  const inner = [...sentence.ids.keys()].filter((at) => sentence.sentences[at] !== NO_SENTENCE);
  const keys = new Map(inner.map((position) => [position, uniform(position, 0)]));
  const positions = inner
    .sort((a, b) => keys.get(a)! - keys.get(b)! || a - b)
    .slice(0, mlmTokens(sentence, probability))
    .sort((a, b) => a - b);
  const ids = sentence.ids.slice();
  for (const position of positions) {
    const how = uniform(position, 1);
    if (how < 0.8) ids[position] = maskId;
    else if (how < 0.9) ids[position] = Math.floor(uniform(position, 2) * vocabularySize);
  }
  return { sentence: { ...sentence, ids }, positions, labels: positions.map((at) => sentence.ids[at]) };
}
