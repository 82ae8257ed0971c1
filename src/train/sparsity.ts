import { CallerError } from '../base/errors.js';
import { alwaysExists } from '../grammar/density-rules.js';
import type { Strategy, Tag } from '../grammar/rules.js';
import { TagPairCounts } from '../grammar/tag-pair-counts.js';
import { type TaggedTokens, tagNames } from '../grammar/tagged-tokenizer.js';
import { TOKEN_TAGS } from '../grammar/tags.js';
import type { Classifier } from '../nn/classifier.js';
import { type PairWeights, SparsityPenalty } from '../nn/sparsity-penalty.js';
import type { Planner } from './planner.js';

/** The pairs of some sentences, by the tags of their tokens. @param tags The list that tag indexes refer to. */
export function pairsOf(
  sentences: readonly TaggedTokens[],
  tags: readonly Tag[] = TOKEN_TAGS,
): TagPairCounts {
  return TagPairCounts.ofTexts(sentences.map((sentence) => tagNames(sentence, tags)));
}

/** The weights of pairs in the penalty, over the tags of a model's learned biases. */
function pairWeights(sentences: readonly TaggedTokens[], planner: Planner): PairWeights {
  const counts = pairsOf(sentences, planner.tags);
  const { tags } = planner.mask;
  const rows = tags.map((query) => tags.map((key) => counts.of(query, key)));
  const shares = rows.flatMap((row) => {
    const total = row.reduce((sum, pairs) => sum + pairs, 0);
    return row.map((pairs) => (total > 0 ? pairs / total : 0));
  });
  const costs = rows.flatMap((row, query) =>
    row.map((pairs, key) => (alwaysExists(tags[query], tags[key]) ? 0 : pairs / counts.total)),
  );
  return { shares: Float32Array.from(shares), costs: Float32Array.from(costs) };
}

/** @throws CallerError for a sparsity penalty with a strategy that learns no biases. */
function checkSparsity(sparsity: number, strategy: Strategy): void {
  if (sparsity === 0 || strategy === 'learned') return;
  throw new CallerError({
    what: `a sparsity penalty of ${sparsity} with strategy "${strategy}"`,
    expected: 'strategy "learned"',
  });
}

/** Adds the sparsity penalty over the pairs in `sentences` to a classifier's training steps, with λ = `sparsity`; 0 for none. */
export function penalise(
  classifier: Classifier,
  sparsity: number,
  planner: Planner,
  sentences: readonly TaggedTokens[],
): void {
  checkSparsity(sparsity, planner.mask.strategy);
  classifier.usePenalty(
    sparsity > 0
      ? new SparsityPenalty(classifier.device, sparsity, pairWeights(sentences, planner))
      : undefined,
  );
}
