import { hostRandom } from '../src/base/random.js';
import type { RuleSet, Tag } from '../src/grammar/rules.js';
import type { ReferenceInput } from './reference-attention.js';
import { type ReferencePlaces, referenceTokenBias } from './reference-pairs.js';

/** The seed of the biases, different from that of the inputs. */
const SEED = 77;

/** Biases of strategy `learned`, [heads, tags, tags], drawn evenly from [-1, 1]. */
export function randomBiases({ tags }: RuleSet, heads: number): Float32Array {
  const random = hostRandom(SEED);
  return Float32Array.from({ length: heads * tags.length ** 2 }, () => 2 * random() - 1);
}

/** The bias of a pair of tokens in each head, for the reference. */
export function referenceOfBiases(
  biases: Float32Array,
  rules: RuleSet,
  heads: number,
  text: ReferencePlaces & { tags: readonly Tag[] },
): ReferenceInput['bias'] {
  const size = rules.tags.length;
  const indexes = new Map(rules.tags.map((tag, index) => [tag, index]));
  const ofHeads = Array.from({ length: heads }, (_, head) => {
    const learned = (query: Tag, key: Tag) =>
      biases[(head * size + indexes.get(query)!) * size + indexes.get(key)!];
    return referenceTokenBias(rules, 'learned', text.tags, { ...text, learned });
  });
  return (query, key, head) => ofHeads[head](query, key);
}

/** The number of tags with learned biases, and the index of each token's tag. */
export interface BiasTags {
  count: number;
  indexes: Uint8Array;
}

/** Sums of score gradients, and of the sizes of their terms, [heads, tags, tags]. */
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

  /** A function that adds a pair's gradient. @param round Rounds each sum: `Math.fround` for a plain f32 evaluation. */
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
