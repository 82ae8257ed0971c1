import * as v from 'valibot';
import { arrayLike, checkArgument, number, options, string } from '../base/argument-schemas.js';
import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { modelRulesOf } from '../grammar/grammar-arguments.js';
import { isPerHead, type ModelRules, ruleSetsOf } from '../grammar/head-rules.js';
import { allowsAll, type PairTable, pairTable } from '../grammar/pair-table.js';
import { type RuleSet, STRATEGIES, type Strategy, type Tag, tagIndexes } from '../grammar/rules.js';
import { reachOf } from '../grammar/scope.js';
import { closureOf, densityOf } from './closure.js';
import { denseLayout, type Layout, type SparseInput, sparseLayout } from './layout.js';
import { formatPicture, type MaskPicture, type PictureOptions, pictureOf } from './mask-picture.js';
import { combineTerms, type Labelling, type MaskTerm, tableOf } from './mask-term.js';
import { labellingsOf, labelsOf, lengthsOf, type MaskTokens, TAGS, TOKENS } from './mask-tokens.js';
import { asRules, type PairPredicate, predicateOf } from './predicate-pairs.js';
import { COUNTING_TILE, type TileChooser } from './tiles.js';

/** Any mask, for checks of arguments. */
export const anyMask = v.custom<AttentionMask>((value) => value instanceof AttentionMask, 'an AttentionMask');

const PREDICATE = v.custom<PairPredicate>((value) => typeof value === 'function', 'a function');
const MATRIX = v.array(arrayLike, 'a list of rows');

/** Built once: a mask is laid out for every batch. */
const MASK_TOKENS = options(TOKENS);

/** @throws CallerError for a strategy that does not exist. */
function checkedStrategy(strategy: string): Strategy {
  const found = STRATEGIES.find((candidate) => candidate === strategy);
  if (found) return found;
  throw new CallerError({
    what: `unknown strategy ${describeValue(strategy)}`,
    expected: `one of: ${STRATEGIES.join(', ')}`,
  });
}

/**
 * Which token may attend to which, and with which bias: FlexAttention's `mask_mod` and `score_mod` in one value. A mask has no
 * tokens. `layout` applies it to the tokens of a batch, like `create_block_mask`.
 *
 *     AttentionMask.window(128).or(AttentionMask.fromRules('paper')).and(AttentionMask.causal())
 *
 * `and`, `or` and `not` combine masks by the pairs that exist. `and` adds the biases of both masks. `or` has the left bias where
 * the left mask has the pair. `not` has no bias. `layout` refuses a mask that kernels cannot run exactly: it never approximates.
 */
export class AttentionMask {
  /** The labellings that tokens need. */
  private readonly labellings: readonly Labelling[];
  private readonly tables = new Map<string, { tables: PairTable[]; causal: boolean }>();

  /**
   * @param name Its name in errors and pictures.
   * @param heads [layers][heads], or [[term]] for all heads.
   * @param moreTags Tags of tokens that no rule lists.
   */
  protected constructor(
    readonly name: string,
    protected readonly heads: readonly (readonly MaskTerm[])[],
    moreTags: readonly Tag[] = [],
  ) {
    if (!Array.isArray(heads)) {
      throw new CallerError({ what: 'new AttentionMask', expected: 'AttentionMask.fromRules or the like' });
    }
    this.labellings = labellingsOf(heads.flat(), moreTags);
  }

  /** Every token attends to every other of its sequence: dense attention. */
  static all(): AttentionMask {
    return new AttentionMask('all', [[{ kind: 'all' }]]);
  }

  /** A query attends to no key after it. */
  static causal(): AttentionMask {
    return new AttentionMask('causal', [[{ kind: 'causal' }]]);
  }

  /** |query - key| <= `tokens`, in the text's order. @throws CallerError where `tokens` is not a number of tokens. */
  static window(tokens: number): AttentionMask {
    const term: MaskTerm = { kind: 'within', reach: reachOf(tokens) };
    return new AttentionMask(`window ${tokens}`, [[term]]);
  }

  /** A query attends to the keys of its sentence, and to those that belong to the document. */
  static sentence(): AttentionMask {
    return new AttentionMask('sentence', [[{ kind: 'within', reach: reachOf('sentence') }]]);
  }

  /**
   * A mask from a function of two positions in a sequence, like FlexAttention's `mask_mod`: for small experiments, since it is
   * called for every pair. Positions with the same pairs share a label.
   * @throws CallerError at `layout`, where a sequence has over 2,048 tokens, or more than 64 kinds of positions.
   */
  static fromPredicate(allows: PairPredicate): AttentionMask {
    checkArgument(PREDICATE, allows, 'allows');
    return new AttentionMask('predicate', [[{ kind: 'predicate', allows, name: 'predicate' }]]);
  }

  /**
   * The same from a square matrix, by query, then key: true or 1 where the pair exists. Shorter sequences use its first rows and columns.
   * @throws CallerError where it is not such a matrix; at `layout` as `fromPredicate`.
   */
  static fromMatrix(matrix: readonly ArrayLike<boolean | number>[]): AttentionMask {
    checkArgument(MATRIX, matrix, 'matrix');
    const term: MaskTerm = {
      kind: 'predicate',
      allows: predicateOf(matrix),
      name: 'matrix',
      most: matrix.length,
    };
    return new AttentionMask('matrix', [[term]]);
  }

  /**
   * A mask from rules about the tags of queries and keys: one rule set for all heads, or one for each head.
   * @param rules Rules, or the name of a preset.
   * @param strategy How rules become scores; `hard` by default.
   * @throws CallerError for invalid rules, strategy or β.
   */
  static fromRules(
    rules: string | ModelRules,
    strategy: Strategy = 'hard',
    more?: RuleMaskOptions,
  ): RuleMask {
    checkArgument(v.optional(RULE_MASK_OPTIONS), more, 'options');
    return new RuleMask(modelRulesOf(rules), checkedStrategy(strategy), more);
  }

  /**
   * A mask for each head, or for each head of each layer, [layers][heads]. Equal objects share their tiles.
   * @throws CallerError without masks, or for a mask of several heads.
   */
  static perHead(masks: readonly AttentionMask[] | readonly (readonly AttentionMask[])[]): AttentionMask {
    checkArgument(arrayLike, masks, 'masks');
    const isList = masks.every((each) => !Array.isArray(each));
    const layers = (isList ? [masks] : masks) as readonly (readonly AttentionMask[])[];
    if (layers.length === 0 || layers.some(({ length }) => length === 0 || length !== layers[0].length)) {
      throw new CallerError({
        what: 'an empty list of masks, or layers of different lengths',
        expected: 'a mask for every head',
      });
    }
    const heads = layers.map((layer) =>
      layer.map((mask) => {
        checkArgument(anyMask, mask, 'mask');
        if (mask.heads.length === 1 && mask.heads[0].length === 1) return mask.heads[0][0];
        throw new CallerError({
          what: `mask "${mask.name}" of several heads`,
          expected: 'a mask of one head',
        });
      }),
    );
    const moreTags = layers.flat().flatMap((mask) => mask.tags);
    return new AttentionMask(
      [...new Set(layers.flat().map(({ name }) => name))].join(' | '),
      heads,
      moreTags,
    );
  }

  /** The pairs that exist in both masks. */
  and(other: AttentionMask): AttentionMask {
    return this.combinedWith(other, 'and');
  }

  /** The pairs that exist in either mask. */
  or(other: AttentionMask): AttentionMask {
    return this.combinedWith(other, 'or');
  }

  /** The pairs that do not exist in this mask. */
  not(): AttentionMask {
    const negated = new Map(
      this.heads.flat().map((term): [MaskTerm, MaskTerm] => [term, { kind: 'not', term }]),
    );
    const heads = this.heads.map((layer) => layer.map((term) => negated.get(term)!));
    return new AttentionMask(`not (${this.name})`, heads, this.tags);
  }

  /** This mask for tokens that may also have these tags, which no rule names. */
  withTags(tags: readonly Tag[]): AttentionMask {
    checkArgument(arrayLike, tags, 'tags');
    return new AttentionMask(this.name, this.heads, [...this.tags, ...tags]);
  }

  /** The tags of its rules, in the order of a learned table; empty without rules about tags. */
  get tags(): readonly Tag[] {
    return this.labellings.find(({ name }) => name === TAGS)?.tags ?? [];
  }

  /** Whether every pair exists without a bias. */
  get isDense(): boolean {
    return this.heads.flat().every(({ kind }) => kind === 'all');
  }

  /** Whether it depends on labels of tokens: its biases then have a gradient. */
  get hasLabels(): boolean {
    return this.labellings.length > 0;
  }

  /** The index of each of some tokens' tags among `tags`. @throws CallerError for a tag that is not among them. */
  tagIndexes(tags: ArrayLike<Tag>): Uint8Array {
    checkArgument(arrayLike, tags, 'tags');
    return tagIndexes({ name: this.name, tags: this.tags }, tags);
  }

  /**
   * Applies the mask to the tokens of a batch: the plan that the kernels run.
   * @param tiles The tiles of the kernels, `tilesOn(device)`; without them the layout only counts pairs.
   * @throws CallerError where tokens lack labels or do not fit together, or no kernel runs this mask exactly.
   */
  layout(tokens: MaskTokens, tiles: TileChooser = () => COUNTING_TILE): Layout {
    checkArgument(MASK_TOKENS, tokens, 'tokens');
    const lengths = lengthsOf(tokens);
    if (this.isDense) return denseLayout(lengths, tiles('dense', lengths));
    const input = this.input(tokens);
    const isFull = !input.causal && [input.tables].flat().every(allowsAll);
    return sparseLayout(input, tiles('sparse', lengths, isFull));
  }

  /** The share of all pairs of tokens that exist, from 0 to 1, the mean over heads. @throws CallerError without tokens, and as `layout`. */
  density(tokens: MaskTokens): number {
    return densityOf(this.layout(tokens));
  }

  /**
   * The share of all pairs of tokens whose query can depend on the key after 1, 2, … layers. A token always depends on itself.
   * The time grows with the tags where nothing depends on positions, else at least with the square of a sequence's tokens.
   * @returns [layers] shares from 0 to 1.
   * @throws CallerError without tokens, for layers that are not 1 to 1,024, and as `layout`.
   */
  closure(tokens: MaskTokens, layers = 3): number[] {
    return closureOf(this.layout(tokens), layers);
  }

  /**
   * One sequence as a matrix of blocks, for drawing.
   */
  picture(tokens: MaskTokens, options: PictureOptions = {}): MaskPicture {
    return pictureOf(this.layout(tokens), options);
  }

  /** The same as text: queries down, keys across; █ all pairs exist, ▓ all with a bias, ░ some, · none. */
  draw(tokens: MaskTokens, options: PictureOptions = {}): string {
    return formatPicture(this.picture(tokens, options));
  }

  /** The input of `sparseLayout`, for layouts in other orders that benchmarks compare. */
  input(tokens: MaskTokens): SparseInput {
    checkArgument(MASK_TOKENS, tokens, 'tokens');
    const lengths = lengthsOf(tokens);
    const asLabels = asRules(this.heads, Array.from(lengths));
    if (asLabels) {
      const labels = { ...tokens.labels, ...asLabels.labels };
      return new AttentionMask(this.name, asLabels.heads, this.tags).input({ ...tokens, lengths, labels });
    }
    const { sentences } = tokens;
    const { labels, tags } = labelsOf(this.labellings, tokens, this.name);
    const { tables, causal } = this.tablesOf(labels);
    const [first] = tables;
    const tableOrTables = tables.length === 1 ? first : tables;
    return { tags, lengths, tables: tableOrTables, layers: this.heads.length, sentences, causal };
  }

  /** The tables of all heads over some labels. Equal labels give the same objects. */
  private tablesOf(labels: readonly (readonly number[])[]): { tables: PairTable[]; causal: boolean } {
    const key = this.labellings.length < 2 ? '' : JSON.stringify(labels);
    const found = this.tables.get(key);
    if (found) return found;
    const maskLabels = { labellings: this.labellings, labels };
    const terms = [...new Set(this.heads.flat())];
    for (const causal of [false, true]) {
      const tables = terms.map((term) => tableOf(term, maskLabels, causal));
      if (tables.some((table) => table === undefined)) continue;
      const made = { tables: this.heads.flat().map((term) => tables[terms.indexOf(term)]!), causal };
      this.tables.set(key, made);
      return made;
    }
    throw new CallerError({
      what: `mask "${this.name}", which no kernel runs exactly`,
      expected:
        'for each pair of labels a window, one sentence, either of them, or the document, with one bias; all of it causal or none; learned biases for all pairs',
    });
  }

  private combinedWith(other: AttentionMask, kind: 'and' | 'or'): AttentionMask {
    checkArgument(anyMask, other, 'mask');
    const [wide, narrow]: AttentionMask[] = this.heads.flat().length > 1 ? [this, other] : [other, this];
    const isOne = narrow.heads.flat().length === 1;
    const isSame =
      narrow.heads.length === wide.heads.length && narrow.heads[0].length === wide.heads[0].length;
    if (!isOne && !isSame) {
      throw new CallerError({
        what: `mask "${other.name}" for ${other.heads.length} layers of ${other.heads[0].length} heads`,
        expected: `${this.heads.length} of ${this.heads[0].length}, as mask "${this.name}" has`,
      });
    }
    const of = ({ heads }: AttentionMask, layer: number, head: number) =>
      heads[Math.min(layer, heads.length - 1)][Math.min(head, heads[0].length - 1)];
    const joinedTerms = new Map<MaskTerm, Map<MaskTerm, MaskTerm>>();
    const heads = wide.heads.map((terms, layer) =>
      terms.map((_, head) => {
        const [left, right] = [of(this, layer, head), of(other, layer, head)];
        const ofLeft = joinedTerms.get(left) ?? new Map<MaskTerm, MaskTerm>();
        joinedTerms.set(left, ofLeft);
        const term = ofLeft.get(right) ?? combineTerms(kind, left, right);
        ofLeft.set(right, term);
        return term;
      }),
    );
    const moreTags = [...this.tags, ...other.tags];
    return new AttentionMask(`(${this.name}) ${kind} (${other.name})`, heads, moreTags);
  }
}

/** Settings of a mask from rules. */
export interface RuleMaskOptions {
  /** The bias of soft pairs; the β of the rules by default. */
  beta?: number;
  /** The name of the labels that the rules are about; `tags` by default. */
  labels?: string;
  /** Tags of tokens that the rules do not list. */
  moreTags?: readonly Tag[];
}

/** What `RuleMask.with` replaces; all else stays. */
export interface RuleMaskChanges {
  /** Rules, or the name of a preset. */
  rules?: string | ModelRules;
  /** How rules become scores; as in the mask by default. */
  strategy?: Strategy;
  /** The bias of soft pairs; by default β of the new rules, or the bias of the mask where its rules stay. */
  beta?: number;
}

const RULE_MASK_OPTIONS = options({
  beta: v.optional(number),
  labels: v.optional(string),
  moreTags: v.optional(arrayLike),
});

/** A mask from rules and a strategy, as the files of a model store it. */
export class RuleMask extends AttentionMask {
  /** What soft pairs add to their score. */
  readonly beta: number;
  private readonly labels: string;
  private readonly moreTags: readonly Tag[];

  /** The arguments must be checked, as in `fromRules`. */
  constructor(
    readonly rules: ModelRules,
    readonly strategy: Strategy,
    { beta = rules.beta, labels = TAGS, moreTags = [] }: RuleMaskOptions = {},
  ) {
    super(`${rules.name}, ${strategy}`, termsOf(rules, strategy, beta, labels), moreTags);
    this.beta = beta;
    this.labels = labels;
    this.moreTags = moreTags;
  }

  override get tags(): readonly Tag[] {
    return [...new Set([...this.rules.tags, ...this.moreTags])];
  }

  /** This mask with other rules, strategy or β. Without `beta`, new rules set their β. */
  with(changes: RuleMaskChanges): RuleMask {
    checkArgument(options({}), changes, 'changes');
    const { rules, strategy = this.strategy, beta } = changes;
    const { labels, moreTags } = this;
    const changed = rules === undefined ? this.rules : modelRulesOf(rules);
    const bias = beta ?? (rules === undefined ? this.beta : changed.beta);
    return AttentionMask.fromRules(changed, strategy, { labels, moreTags, beta: bias });
  }

  override withTags(tags: readonly Tag[]): RuleMask {
    checkArgument(arrayLike, tags, 'tags');
    const { labels, beta } = this;
    return new RuleMask(this.rules, this.strategy, { labels, beta, moreTags: [...this.moreTags, ...tags] });
  }
}

/** The terms of rules, [layers][heads]. Heads with the same rules share a term. */
function termsOf(rules: ModelRules, strategy: Strategy, beta: number, labels: string): MaskTerm[][] {
  const terms = new Map<RuleSet, MaskTerm>();
  const termOf = (each: RuleSet) => {
    const found = terms.get(each);
    if (found) return found;
    // Refuses what has no table here, and not at the first batch.
    pairTable(each, strategy, beta);
    const term: MaskTerm = { kind: 'rules', rules: each, strategy, beta, labels };
    terms.set(each, term);
    return term;
  };
  const sets = ruleSetsOf(rules).map((layer) => layer.map(termOf));
  if (strategy === 'none') return [[{ kind: 'all' }]];
  // The learned biases of each head are parameters of the model.
  return isPerHead(rules) && strategy !== 'learned' ? sets : [[sets[0][0]]];
}
