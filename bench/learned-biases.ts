import { hostRandom } from '../src/base/random.js';
import type { RuleSet, Tag } from '../src/grammar/rules.js';
import type { ReferenceInput } from './reference-attention.js';
import { type ReferencePlaces, referenceTokenBias } from './reference-pairs.js';

/** Draws the biases: other numbers than those of the inputs. */
const SEED = 77;

/** Biases of strategy `learned`, [heads, tags, tags], evenly spread over [-1, 1]. */
export function randomBiases({ tags }: RuleSet, heads: number): Float32Array {
  const random = hostRandom(SEED);
  return Float32Array.from({ length: heads * tags.length ** 2 }, () => 2 * random() - 1);
}

/** What such biases add to the score of two tokens, head by head. */
export function referenceOfBiases(
  biases: Float32Array,
  rules: RuleSet,
  heads: number,
  text: ReferencePlaces & { tags: readonly Tag[] },
): ReferenceInput['bias'] {
  const size = rules.tags.length;
  const place = new Map(rules.tags.map((tag, index) => [tag, index]));
  const ofHeads = Array.from({ length: heads }, (_, head) => {
    const learned = (query: Tag, key: Tag) =>
      biases[(head * size + place.get(query)!) * size + place.get(key)!];
    return referenceTokenBias(rules, 'learned', text.tags, { ...text, learned });
  });
  return (query, key, head) => ofHeads[head](query, key);
}

/** The tags that learned biases are for: how many, and the index of each token's. */
export interface BiasTags {
  count: number;
  indexes: Uint8Array;
}

/** Sums of the gradients of scores, and of their terms' sizes, for each head and pair of tags: [heads, tags, tags]. */
export class BiasSums {
  readonly sums: Float64Array;
  readonly sizes: Float64Array;

  constructor(
    heads: number,
    private readonly tags: BiasTags,
  ) {
    this.sums = new Float64Array(heads * tags.count ** 2);
    this.sizes = new Float64Array(heads * tags.count ** 2);
  }

  /** Adds a pair's gradient. @param round Rounds each sum: `Math.fround` for a plain f32 evaluation. */
  adder(round: (x: number) => number): ReferenceInput['onScoreGradient'] {
    const { sums, sizes } = this;
    const { count, indexes } = this.tags;
    if (count === 0) return undefined;
    return (query, key, head, value, size) => {
      const at = (head * count + indexes[query]) * count + indexes[key];
      sums[at] = round(sums[at] + value);
      sizes[at] += size;
    };
  }
}
