import { hostRandom, shuffle } from '../base/random.js';
import { alwaysExists, pairsUpTo } from './pruning.js';
import type { RuleSet, TagPair } from './rules.js';
import type { TagPairCounts } from './tag-pair-counts.js';

/**
 * Hard rules drawn at random until they allow about as many pairs of some texts as a share asked for: what grammar has to
 * beat. Every tag sees itself, as under the paper's rules; so does [CLS] everything where the texts have it.
 *
 * @param density The share of all pairs that shall exist.
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
