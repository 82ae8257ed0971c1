import type { ShapeOfTiles } from '../attention/kernel-choices.js';
import { headsWithTags, isPerHead, type ModelRules, ruleSetsOf } from '../grammar/head-rules.js';
import { pieceTags } from '../grammar/own-tags.js';
import { type PairTable, pairTable } from '../grammar/pair-table.js';
import { type RuleSet, type Strategy, type Tag, tagIndexes } from '../grammar/rules.js';
import type { EncodedSentence } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import { type Plan, planDense, planSparse } from '../plan/plan.js';

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
export function biasTags(rules: ModelRules, strategy: Strategy, ownTags = false): number {
  return strategy === 'learned' ? pieceTags(rules, ownTags).length : 0;
}

/** Makes the plan of any batch of sentences under one strategy and the rules of a model. */
export class Planner {
  /** The rules with the tags that pieces may have beside their own. */
  readonly completed: ModelRules;
  private readonly tables: PairTable | PairTable[] | undefined;
  /** For each of `tags`, its index in the completed rules. */
  private readonly indexOfTag: Uint8Array;

  /**
   * @param tags What the tags of sentences are indexes into. Those that the rule set does not list see nothing under `hard`.
   * @throws CallerError where these and the rule set's are more than MOST_TAGS.
   */
  constructor(
    readonly rules: ModelRules,
    readonly strategy: Strategy,
    readonly beta: number,
    private readonly shape: ShapeOfTiles,
    readonly tags: readonly Tag[] = PIECE_TAGS,
  ) {
    this.completed = headsWithTags(rules, tags);
    this.tables = strategy === 'none' ? undefined : tablesOf(this.completed, strategy, beta);
    this.indexOfTag = tagIndexes(this.completed, tags);
  }

  /** The tags of all pieces, one text behind the other, as indexes among those of the completed rules. */
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
