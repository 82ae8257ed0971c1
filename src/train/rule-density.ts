import type { ModelRules } from '../grammar/head-rules.js';
import type { Strategy, Tag } from '../grammar/rules.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';
import { closureOf } from '../plan/closure.js';
import { AttentionMask } from '../plan/mask.js';
import { pairsByTag } from '../plan/pairs-by-tag.js';
import { COUNTING_TILE } from '../plan/tiles.js';
import { inferenceBatches } from './evaluation.js';
import { Planner } from './planner.js';

/** The pairs that rules allow in some texts. */
export interface RuleDensity {
  /** All pairs of tokens in the texts. */
  pairs: number;
  /** The share of them that exist, scopes counted pair by pair; the mean over heads where they differ. */
  density: number;
  /** After 1, 2, … layers, the share of all pairs whose query the key can reach. */
  closure: number[];
  /** Each tag that occurs, with the share of all pairs that its queries have, and the share of these that exist. */
  tags: { tag: Tag; share: number; density: number }[];
}

/**
 * Counts the pairs that rules allow in some texts, as a model's plans do.
 * @param indexed What the tags of the sentences are indexes into; `TOKEN_TAGS` by default.
 * @param layers The layers of the closure.
 */
export function ruleDensity(
  rules: ModelRules,
  strategy: Exclude<Strategy, 'none'>,
  sentences: readonly TaggedTokens[],
  indexed?: readonly Tag[],
  layers = 3,
): RuleDensity {
  const planner = new Planner(AttentionMask.fromRules(rules, strategy), () => COUNTING_TILE, indexed);
  const { tags } = planner.mask;
  const [useful, dense] = [new Float64Array(tags.length), new Float64Array(tags.length)];
  const joined = new Float64Array(layers);
  const total = (numbers: Float64Array) => numbers.reduce((sum, number) => sum + number, 0);
  for (const group of inferenceBatches(sentences)) {
    const layout = planner.layout(group);
    const counted = pairsByTag(layout);
    closureOf(layout, layers).forEach((share, layer) => {
      joined[layer] += share * total(counted.dense);
    });
    for (let tag = 0; tag < tags.length; tag++) {
      useful[tag] += counted.useful[tag];
      dense[tag] += counted.dense[tag];
    }
  }
  const pairs = total(dense);
  return {
    pairs,
    density: total(useful) / pairs,
    closure: Array.from(joined, (number) => number / pairs),
    tags: tags
      .map((tag, index) => ({ tag, share: dense[index] / pairs, density: useful[index] / dense[index] }))
      .filter(({ share }) => share > 0),
  };
}
