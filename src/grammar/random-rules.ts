import { hostRandom, shuffle } from '../gpu/random.js';
import type { PairCounts } from './pair-counts.js';
import type { RuleSet, TagPair } from './rules.js';

/**
 * Hard rules drawn at random until they allow about as many pairs of some texts as a share asked for: what grammar has to
 * beat. Every tag sees itself, as under the paper's rules; so does [CLS] everything where the texts have it.
 *
 * @param density The share of all pairs that shall exist.
 */
export function randomRules(counts: PairCounts, density: number, seed: number): RuleSet {
  const { tags } = counts;
  const isFixed = ([query, key]: TagPair) => query === key || query === '[CLS]';
  const all = tags.flatMap((query) => tags.map((key): TagPair => [query, key]));
  const hard = all.filter(isFixed);
  const drawn = all.filter((pair) => !isFixed(pair));
  shuffle(drawn, hostRandom(seed));
  const target = density * counts.total;
  let allowed = hard.reduce((sum, [query, key]) => sum + counts.of(query, key), 0);
  for (const pair of drawn) {
    const pairs = counts.of(pair[0], pair[1]);
    // A pair that overshoots by more than it was missing is passed over: a smaller one may still fit.
    if (allowed + 0.5 * pairs > target) continue;
    hard.push(pair);
    allowed += pairs;
  }
  return { name: `random, seed ${seed}`, tags, hard, soft: [], beta: 0 };
}
