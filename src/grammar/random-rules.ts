import { hostRandom, shuffle } from '../base/random.js';
import { alwaysExists, pairsUpTo } from './pruning.js';
import type { RuleSet, TagPair } from './rules.js';
import type { TagPairCounts } from './tag-pair-counts.js';

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
