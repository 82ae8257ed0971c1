import { hostRandom, shuffle } from '../base/random.js';
import type { RuleSet, Tag, TagPair } from './rules.js';
import type { TagPairCounts } from './tag-pair-counts.js';
import { UNIVERSAL_TAGS } from './tags.js';

/** Whether generated rules always have this pair: every tag sees itself, and [CLS], which is classified, sees everything. */
export function alwaysExists(query: Tag, key: Tag): boolean {
  return query === key || query === '[CLS]';
}

/**
 * Takes candidates in their order up to a density. A candidate is skipped where the density would be further off with it than
 * without it: a later, smaller one may still fit. Pairs that always exist are taken first.
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

/** How far the density of permuted rules may be from the one asked for, relative to it. */
const PERMUTED_TOLERANCE = 0.05;

/** Permutations that are tried, before the nearest of them is taken. */
const MOST_PERMUTATIONS = 1000;

/**
 * The same rules with the tags of words renamed by a permutation: the null hypothesis for the claim that grammar
 * matters. The graph of the rules keeps its form (how many rules each tag has, and what several layers connect), and only the names
 * of its nodes change. Only tags that occur are renamed. The result is of the first seeded permutation whose rules differ from
 * `rules` and have the density within 5 %; else of the nearest of 1,000.
 *
 * @param density The share of all pairs of tokens that should exist.
 */
export function permutedRules(rules: RuleSet, counts: TagPairCounts, density: number, seed: number): RuleSet {
  const random = hostRandom(seed);
  const occurring = UNIVERSAL_TAGS.filter((tag) => counts.tags.includes(tag));
  const textOf = (pairs: readonly TagPair[]) =>
    JSON.stringify(pairs.map((pair) => JSON.stringify(pair)).sort());
  const original = textOf(rules.hard);
  let nearest: RuleSet = rules;
  let distance = Number.POSITIVE_INFINITY;
  for (let tried = 0; tried < MOST_PERMUTATIONS && distance > PERMUTED_TOLERANCE * density; tried++) {
    const shuffled = [...occurring];
    shuffle(shuffled, random);
    const names = new Map<Tag, Tag>(occurring.map((tag, at) => [tag, shuffled[at]]));
    const renamed = (pairs: readonly TagPair[]) =>
      pairs.map(
        ([query, key, ...scope]): TagPair => [names.get(query) ?? query, names.get(key) ?? key, ...scope],
      );
    const hard = renamed(rules.hard);
    const away = Math.abs(counts.hardDensity({ hard }) - density);
    if (away >= distance || textOf(hard) === original) continue;
    nearest = { ...rules, name: `${rules.name}, permuted, seed ${seed}`, hard, soft: renamed(rules.soft) };
    distance = away;
  }
  return nearest;
}
