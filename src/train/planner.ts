import type { ShapeOfTiles } from '../attention/kernel-choices.js';
import { headsWithTags, isPerHead, type ModelRules, ruleSetsOf } from '../grammar/head-rules.js';
import { type PairTable, pairTable } from '../grammar/pair-table.js';
import { type RuleSet, type Strategy, tagIndexes } from '../grammar/rules.js';
import type { EncodedSentence } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import { type Plan, planDense, planSparse } from '../plan/plan.js';

/** The rules with the tags that pieces may have beside their own. */
export function completed(rules: ModelRules): ModelRules {
  return headsWithTags(rules, PIECE_TAGS);
}

/** The pair table of all heads, or of each, layer by layer; heads with the same rules have the same table. */
function tablesOf(rules: ModelRules, strategy: Strategy, beta: number): PairTable | PairTable[] {
  const sets = ruleSetsOf(rules).flat();
  // What is learned of each head stands in the model.
  if (!isPerHead(rules) || strategy === 'learned') return pairTable(sets[0], strategy, beta);
  const tables = new Map<RuleSet, PairTable>();
  for (const each of sets) tables.set(each, tables.get(each) ?? pairTable(each, strategy, beta));
  return sets.map((each) => tables.get(each)!);
}

/** Tags of a model's learned bias tables; 0 where its strategy learns none. */
export function biasTags(rules: ModelRules, strategy: Strategy): number {
  return strategy === 'learned' ? completed(rules).tags.length : 0;
}

/** Makes the plan of any batch of sentences under one strategy and the rules of a model. */
export class Planner {
  private readonly tables: PairTable | PairTable[] | undefined;
  /** For each of `PIECE_TAGS`, its index in the rule set. */
  private readonly indexOfTag: Uint8Array;

  /** Piece tags that the rule set does not list see nothing under `hard`. */
  constructor(
    readonly rules: ModelRules,
    readonly strategy: Strategy,
    readonly beta: number,
    private readonly shape: ShapeOfTiles,
  ) {
    const complete = completed(rules);
    this.tables = strategy === 'none' ? undefined : tablesOf(complete, strategy, beta);
    this.indexOfTag = tagIndexes(complete, PIECE_TAGS);
  }

  /** The tags of all pieces, one text behind the other, as indexes among those of the rules with `PIECE_TAGS` added. */
  tagsOf(texts: readonly EncodedSentence[]): Uint8Array {
    const tags = new Uint8Array(texts.reduce((total, text) => total + text.tags.length, 0));
    let at = 0;
    for (const text of texts) for (const tag of text.tags) tags[at++] = this.indexOfTag[tag];
    return tags;
  }

  plan(texts: readonly EncodedSentence[]): Plan {
    const lengths = texts.map(({ ids }) => ids.length);
    const tokens = lengths.reduce((total, length) => total + length, 0);
    if (!this.tables) return planDense(lengths, this.shape('dense', lengths));
    const sentences = new Uint32Array(tokens);
    let start = 0;
    for (const text of texts) {
      sentences.set(text.sentences, start);
      start += text.sentences.length;
    }
    const tags = this.tagsOf(texts);
    const layers = Array.isArray(this.tables) && isPerHead(this.rules) ? this.rules.heads.length : 1;
    const input = { tags, lengths, tables: this.tables, layers, sentences };
    return planSparse(input, this.shape('sparse', lengths));
  }
}
