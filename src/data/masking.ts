import { randomStream } from '../base/random.js';
import { NO_SENTENCE } from '../grammar/scope.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';

/** Keeps masks apart from other things that are drawn from a run's seed. */
const MASKING = 0x6d61736b;

export interface Masking {
  /** With which each token is masked, but [CLS], [SEP] and [PAD], wherever they are. */
  probability: number;
  /** The id of [MASK]. */
  maskId: number;
  seed: number;
}

/**
 * A sentence of which some tokens are [MASK]; their tags stay those of their words. What is drawn depends on seed, epoch,
 * example and position alone, not on batches.
 * @param example The number of the sentence in its data.
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
