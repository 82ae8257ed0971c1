import type { Tag, TagPair } from './rules.js';
import type { TagPairCounts } from './tag-pair-counts.js';

/** Pairs that rules have whatever they cost: every tag sees its own, and [CLS], from which a text is classified, everything. */
export function alwaysExists(query: Tag, key: Tag): boolean {
  return query === key || query === '[CLS]';
}

/**
 * Takes pairs in the order in which they are given, as long as no more are allowed than asked for: one that overshoots by
 * more than it was missing is passed over, for a smaller one may still fit. Those that always exist are taken first.
 *
 * @param density The share of all pairs of tokens that shall exist.
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

/** For each pair of tags how much attention it gets. */
export interface AttentionMass {
  tags: readonly Tag[];
  /** [tags, tags] by query tag, then key tag: the sum of the attention probabilities of all pairs of tokens with these tags. */
  mass: Float64Array;
}

/**
 * Hard rules of a head that keep as much of its attention as they can for the pairs they allow. What a head's output loses
 * by a pruned pair is, up to the size of the values, the attention that went to it, and what it costs is the number of its
 * pairs of tokens: so pairs of tags are kept in the order of the mean attention of their pairs of tokens. A learned bias
 * alone would not do: it leaves out what queries and keys say to each other.
 *
 * Tags that never meet in the texts get no rule but those that always exist.
 *
 * @param density The share of all pairs of tokens that shall exist.
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
  // Sorting is stable: equal pairs stay in the order of the tags.
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
