import { hostRandom, shuffle } from '../gpu/random.js';
import type { RuleSet, Tag, TagPair } from './rules.js';

/**
 * Hard rules drawn at random until they allow about as many pairs of a text as a share asked for: what grammar has to beat.
 * Every tag sees itself, as under the paper's rules; so does [CLS] everything where the text has it.
 *
 * @param counts Tokens of each tag in the text.
 * @param density The share of all pairs that shall exist.
 */
export function randomRules(counts: ReadonlyMap<Tag, number>, density: number, seed: number): RuleSet {
  const tags = [...counts.keys()];
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const pairsOf = ([query, key]: TagPair) => counts.get(query)! * counts.get(key)!;
  const isFixed = ([query, key]: TagPair) => query === key || query === '[CLS]';
  const all = tags.flatMap((query) => tags.map((key): TagPair => [query, key]));
  const hard = all.filter(isFixed);
  const drawn = all.filter((pair) => !isFixed(pair));
  shuffle(drawn, hostRandom(seed));
  const target = density * total ** 2;
  let allowed = hard.reduce((sum, pair) => sum + pairsOf(pair), 0);
  for (const pair of drawn) {
    // A pair that overshoots by more than it was missing is passed over: a smaller one may still fit.
    if (allowed + 0.5 * pairsOf(pair) > target) continue;
    hard.push(pair);
    allowed += pairsOf(pair);
  }
  return { name: `random, seed ${seed}`, tags, hard, soft: [], beta: 0 };
}
