import { CallerError } from '../base/errors.js';
import { prunedRules } from '../grammar/density-rules.js';
import type { HeadRules } from '../grammar/head-rules.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';
import { makeBatch } from '../nn/batch.js';
import type { Classifier } from '../nn/classifier.js';
import type { RuleMask } from '../plan/mask.js';
import { inferenceBatches } from './evaluation.js';
import type { Planner } from './planner.js';
import { pairsOf } from './sparsity.js';

/** Rules for each head, and their densities on the texts from which they were pruned. */
export interface PrunedRules {
  /** Hard rules for each head of each layer, for a mask of strategy `hard`. */
  rules: HeadRules;
  /** [layers][heads] The share of all pairs that exist. */
  densities: number[][];
}

/** [layers] of [heads, tags, tags]: the attention that pairs of tags get, added up over all sentences. */
async function massesOf(
  classifier: Classifier,
  planner: Planner,
  sentences: readonly TaggedTokens[],
  onProgress?: (done: number) => void,
): Promise<Float64Array[]> {
  const { layers, heads } = classifier.config;
  const tagCount = planner.mask.tags.length;
  const sums = Array.from({ length: layers }, () => new Float64Array(heads * tagCount ** 2));
  let done = 0;
  for (const group of inferenceBatches(sentences)) {
    const batch = makeBatch(group, planner.layout(group));
    const { tagIndexes } = planner.tokensOf(group);
    const masses = await classifier.attentionMass(batch, tagIndexes, tagCount);
    masses.forEach((mass, layer) => {
      for (let entry = 0; entry < mass.length; entry++) sums[layer][entry] += mass[entry];
    });
    done += group.length;
    onProgress?.(done);
  }
  return sums;
}

/**
 * Turns what a model has learned into hard rules for each of its heads: those pairs of tags that get the most attention (see
 * `prunedRules`), up to the number whose density in these sentences is nearest to `density`.
 *
 * @param density From 0 to 1, for each head.
 * @throws CallerError where it is not a share, there are no sentences, or rules forbid some pairs already.
 */
export async function pruneHeads(
  classifier: Classifier,
  planner: Planner,
  sentences: readonly TaggedTokens[],
  density: number,
  onProgress?: (done: number) => void,
): Promise<PrunedRules> {
  checkPruning(planner.mask, sentences, density);
  const { tags, rules } = planner.mask;
  const counts = pairsOf(sentences, planner.tags);
  const masses = await massesOf(classifier, planner, sentences, onProgress);
  const entries = tags.length ** 2;
  const heads = masses.map((layer) =>
    Array.from({ length: classifier.config.heads }, (_, head) => {
      const mass = layer.subarray(head * entries, (head + 1) * entries);
      return { hard: prunedRules({ tags, mass }, counts, density), soft: [] };
    }),
  );
  return {
    rules: { name: `pruned to ${density}`, tags, beta: rules.beta, heads },
    densities: heads.map((layer) => layer.map(({ hard }) => counts.hardDensity({ hard }))),
  };
}

function checkPruning({ strategy }: RuleMask, sentences: readonly TaggedTokens[], density: number): void {
  if (!(density > 0 && density <= 1)) {
    throw new CallerError({ what: `density ${density}`, expected: 'a share above 0, and 1 at most' });
  }
  if (sentences.length === 0)
    throw new CallerError({ what: 'no texts to prune by', expected: 'at least one' });
  if (strategy === 'hard' || strategy === 'guided') {
    throw new CallerError({
      what: `rules pruned from strategy "${strategy}", which forbids pairs already`,
      expected: 'a model of strategy "learned", or of "none" or "soft"',
    });
  }
}
