import { type PairTable, pairTable } from '../grammar/pair-table.js';
import { type RuleSet, type Strategy, tagIndexes, withTags } from '../grammar/rules.js';
import type { EncodedSentence } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import { type Plan, planDense, planSparse } from '../plan/plan.js';
import type { TileShape } from '../plan/tiles.js';

/** Makes the plan of any batch of sentences under one strategy and one rule set. */
export class Planner {
  private readonly table: PairTable | undefined;
  /** For each of `PIECE_TAGS`, its index in the rule set. */
  private readonly indexOfTag: Uint8Array;

  /**
   * @param shape The tiles of the kernels that will run the plans.
   *
   * Piece tags that the rule set does not list see nothing under `hard`.
   */
  constructor(
    readonly rules: RuleSet,
    readonly strategy: Strategy,
    readonly beta: number,
    private readonly shape: TileShape,
  ) {
    const complete = withTags(rules, PIECE_TAGS);
    this.table = strategy === 'none' ? undefined : pairTable(complete, strategy, beta);
    this.indexOfTag = tagIndexes(complete, PIECE_TAGS);
  }

  plan(sentences: readonly EncodedSentence[]): Plan {
    const lengths = sentences.map(({ ids }) => ids.length);
    if (!this.table) return planDense(lengths, this.shape);
    const tags = new Uint8Array(lengths.reduce((total, length) => total + length, 0));
    let start = 0;
    for (const sentence of sentences) {
      tags.set(
        sentence.tags.map((tag) => this.indexOfTag[tag]),
        start,
      );
      start += sentence.tags.length;
    }
    return planSparse(tags, lengths, this.table, this.shape);
  }
}
