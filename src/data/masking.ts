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
