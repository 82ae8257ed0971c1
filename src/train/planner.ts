import type { ShapeOfTiles } from '../attention/kernel-choices.js';
import { pieceTags } from '../grammar/own-tags.js';
import { type PairTable, pairTable } from '../grammar/pair-table.js';
import { type RuleSet, type Strategy, type Tag, tagIndexes, withTags } from '../grammar/rules.js';
import type { EncodedSentence } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import { type Plan, planDense, planSparse } from '../plan/plan.js';

/** Tags of a model's learned bias tables; 0 where its strategy learns none. */
export function biasTags(rules: RuleSet, strategy: Strategy, ownTags = false): number {
  return strategy === 'learned' ? pieceTags(rules, ownTags).length : 0;
}

/** Makes the plan of any batch of sentences under one strategy and one rule set. */
export class Planner {
  private readonly table: PairTable | undefined;
  /** For each of `tags`, its index in the completed rule set. */
  private readonly indexOfTag: Uint8Array;

  /**
   * @param tags What the tags of sentences are indexes into. Those that the rule set does not list see nothing under `hard`.
   * @throws CallerError where these and the rule set's are more than MOST_TAGS.
   */
  constructor(
    readonly rules: RuleSet,
    readonly strategy: Strategy,
    readonly beta: number,
    private readonly shape: ShapeOfTiles,
    readonly tags: readonly Tag[] = PIECE_TAGS,
  ) {
    const complete = withTags(rules, tags);
    this.table = strategy === 'none' ? undefined : pairTable(complete, strategy, beta);
    this.indexOfTag = tagIndexes(complete, tags);
  }

  plan(texts: readonly EncodedSentence[]): Plan {
    const lengths = texts.map(({ ids }) => ids.length);
    const tokens = lengths.reduce((total, length) => total + length, 0);
    if (!this.table) return planDense(lengths, this.shape('dense', lengths));
    const tags = new Uint8Array(tokens);
    const sentences = new Uint32Array(tokens);
    let start = 0;
    for (const text of texts) {
      for (let piece = 0; piece < text.tags.length; piece++) {
        tags[start + piece] = this.indexOfTag[text.tags[piece]];
      }
      sentences.set(text.sentences, start);
      start += text.tags.length;
    }
    return planSparse({ tags, lengths, tables: this.table, sentences }, this.shape('sparse', lengths));
  }
}
