import type { ReferenceInput } from './reference-attention.js';

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
