import { hostRandom, shuffle } from '../base/random.js';
import type { RuleSet, Tag, TagPair } from './rules.js';
import type { TagPairCounts } from './tag-pair-counts.js';

/** Whether rules have this pair at any cost: every tag sees itself, and [CLS], which is classified, sees everything. */
export function alwaysExists(query: Tag, key: Tag): boolean {
  return query === key || query === '[CLS]';
}

/**
 * Takes candidates in their order up to a density. A candidate that would miss the density by more than leaving it out is
 * skipped, since a later, smaller one may still fit. Pairs that always exist are taken first.
 *
 * @param density The share of all pairs of tokens that should exist.
 */
export function pairsUpTo(counts: TagPairCounts, candidates: readonly TagPair[], density: number): TagPair[] {
  const kept = candidates.filter(([query, key]) => alwaysExists(query, key));
  const target = density * counts.total;
  let allowed = kept.reduce((sum, [query, key]) => sum + counts.of(query, key), 0);
  for (const pair of candidates) {
    const [query, key] = pair;
    const pairs = counts.of(query, key);
    if (alwaysExists(query, key) || allowed + 0.5 * pairs > target) continue;
    kept.push(pair);
    allowed += pairs;
  }
  return kept;
}

/** The attention that each pair of tags gets. */
export interface AttentionMass {
  tags: readonly Tag[];
  /** [tags, tags] by query tag, then key tag: the sum of the attention probabilities of all pairs of tokens with these tags. */
  mass: Float64Array;
}

/**
 * Hard rules of a head that keep as much of its attention as a density allows. A pruned pair of tags removes its attention
 * from the head's output, and saves its number of token pairs. Pairs of tags are therefore kept in the order of their mean
 * attention per token pair. A learned bias alone cannot replace this measure: it ignores queries and keys.
 *
 * Pairs of tags that do not occur in the texts get no rule, unless they always exist.
 *
 * @param density The share of all pairs of tokens that should exist.
 */
export function prunedRules(
  { tags, mass }: AttentionMass,
  counts: TagPairCounts,
  density: number,
): TagPair[] {
  const ranked = tags.flatMap((query, row) =>
    tags.map((key, column) => {
      const pairs = counts.of(query, key);
      return {
        pair: [query, key] as TagPair,
        mean: pairs > 0 ? mass[row * tags.length + column] / pairs : 0,
      };
    }),
  );
  const seen = ranked.filter(
    ({ pair: [query, key] }) => alwaysExists(query, key) || counts.of(query, key) > 0,
  );
  // The sort is stable: pairs with equal means stay in the order of the tags.
  seen.sort((a, b) => b.mean - a.mean);
  const kept = new Set(
    pairsUpTo(
      counts,
      seen.map(({ pair }) => pair),
      density,
    ),
  );
  return ranked.map(({ pair }) => pair).filter((pair) => kept.has(pair));
}

/**
 * Draws hard rules at random until they allow about a share of the pairs of texts: the control for rules from grammar. Every
 * tag sees itself, and [CLS] sees everything, as under the paper's rules.
 *
 * @param density The share of all pairs of tokens that should exist.
 */
export function randomRules(counts: TagPairCounts, density: number, seed: number): RuleSet {
  const { tags } = counts;
  const all = tags.flatMap((query) => tags.map((key): TagPair => [query, key]));
  const fixed = all.filter(([query, key]) => alwaysExists(query, key));
  const drawn = all.filter(([query, key]) => !alwaysExists(query, key));
  shuffle(drawn, hostRandom(seed));
  const hard = pairsUpTo(counts, [...fixed, ...drawn], density);
  return { name: `random, seed ${seed}`, tags, hard, soft: [], beta: 0 };
}
