import { WIDE_TILE } from '../../attention/families/wide.js';
import { options as anyOptions, checkArgument, objectWith } from '../../base/argument-schemas.js';
import { CallerError } from '../../base/errors.js';
import { requireTags, type Text } from '../../grammar/custom-tags.js';
import { checkText } from '../../grammar/grammar-arguments.js';
import { type ModelRules, ruleSetsOf } from '../../grammar/head-rules.js';
import type { Tag } from '../../grammar/rules.js';
import { NO_SENTENCE } from '../../grammar/scope.js';
import { encodeTokens, type TaggedToken, type TaggedTokenizer } from '../../grammar/tagged-tokenizer.js';
import { splitTokens } from '../../grammar/word-piece.js';
import { closureOf } from '../../plan/closure.js';
import type { HeadLayout, Layout } from '../../plan/layout.js';
import type { RuleMask } from '../../plan/mask.js';
import type { PairCounts } from '../../plan/pair-counts.js';
import { executedPairsOfTile, type Tile, type TileConfig } from '../../plan/tiles.js';
import { Planner } from '../../train/planner.js';
import { ruleMask } from '../../train/train-arguments.js';
import { ABSENT, pairKinds, rectangleCount } from './explained-pairs.js';

/** The most tokens of a text that is explained, so that its pictures stay small and readable. */
const MOST_EXPLAINED = { unscoped: 512, scoped: 256 };

/** The most tokens of a text under some rules: fewer where rules have scopes, since then no two rows of pairs are equal. */
export function mostExplained(rules: ModelRules): number {
  const sets = ruleSetsOf(rules).flat();
  const isScoped = sets.some(({ hard, soft }) =>
    [...hard, ...soft].some(([, , scope = 'document']) => scope !== 'document'),
  );
  return isScoped ? MOST_EXPLAINED.scoped : MOST_EXPLAINED.unscoped;
}

/** How a text is tokenized and masked. */
export interface ExplainOptions {
  /** Its `maxLength` is `mostExplained` at most. */
  tokenizer: TaggedTokenizer;
  /** From `AttentionMask.fromRules`. */
  mask: RuleMask;
  /** The tiles of the kernels; those of the kernels for every adapter by default. */
  tile?: TileConfig;
}

const EXPLAIN_OPTIONS = anyOptions({
  tokenizer: objectWith<TaggedTokenizer>('a TaggedTokenizer', 'tokens', 'withTags'),
  mask: ruleMask,
});

/** A token of the text that is explained. */
export interface ExplainedToken extends TaggedToken {
  /** The index of its word. */
  word: number;
}

/** Tokens of one tag without a space between them. [CLS] and [SEP] are words, too. */
export interface ExplainedWord {
  /** As the text writes it; for special tokens, "[CLS]" or "[SEP]". */
  text: string;
  tag: Tag;
  /** Its first token, and the one after its last. */
  tokens: [first: number, next: number];
  isSpecial: boolean;
}

/** Consecutive tokens of one tag, in the layout's order. */
export interface ExplainedRun {
  tag: Tag;
  /** Index of the first token in the layout's order. */
  start: number;
  /** Its tokens. */
  length: number;
}

/** A tile of the plan with its work, in pairs of one head. */
export interface ExplainedTile extends Tile {
  /** Pairs of its rows that exist. */
  useful: number;
  /** Pairs that the kernel multiplies, padding included. */
  executed: number;
}

/** The pairs and tiles of the heads with the same rules. */
export interface PairView {
  /** The heads, counted through all layers; undefined where all heads have the same rules. */
  heads: readonly number[] | undefined;
  /** [tokens, tokens] by query, then key, in the text's order: ABSENT, HARD, SOFT or PLAIN. */
  kinds: Uint8Array;
  /** The tiles of queries, ascending by row. */
  tiles: ExplainedTile[];
  /** Pairs of one of these heads. */
  pairCounts: PairCounts;
  /** The rectangles that the pairs form in the text's order, and as the plan sorts its tokens. */
  rectangles: { reading: number; sorted: number };
}

/** The tokens, pairs and tiles of a text under a mask. Tokens and pairs are in the text's order unless said otherwise. */
export interface Explanation {
  text: string;
  /** [CLS] and [SEP] included. */
  tokens: ExplainedToken[];
  /** In the text's order, special tokens included. */
  words: ExplainedWord[];
  /** Tokens at the end of the text that were left out because it was too long. */
  cut: number;
  mask: RuleMask;
  /** Whether the plan sorts tokens. Dense attention does not. */
  isSorted: boolean;
  /** The position in the text of each token of the layout's order. */
  order: Uint32Array;
  /** The tag runs of the plan; empty for dense attention. */
  runs: ExplainedRun[];
  tileConfig: TileConfig;
  /** One, or one for each rule set where heads have their own. */
  views: PairView[];
  /** The mean over heads. */
  pairCounts: PairCounts;
  /** After 1, 2 and 3 layers, the share of all pairs that are joined, also through other tokens. */
  closure: number[];
}

/** Layers of the closure. */
const CLOSURE_LAYERS = 3;

/**
 * Explains a text from the plan that the kernels would run.
 * @throws CallerError for a text without a word, or with words without a tag of the rules.
 */
export function explainText(text: string | Text, options: ExplainOptions): Explanation {
  checkText(text, 'text');
  checkArgument(EXPLAIN_OPTIONS, options, 'options');
  const { mask, tile = WIDE_TILE } = options;
  const { rules, strategy } = mask;
  const read = typeof text === 'string' ? { text } : text;
  const inTotal = 2 + splitTokens(read.text, options.tokenizer.vocabulary).length;
  if (inTotal === 2) throw new CallerError({ what: 'no word in the text', expected: 'a sentence' });
  const maxLength = Math.min(options.tokenizer.maxLength, mostExplained(rules));
  const tokenizer = options.tokenizer.withTags(rules.tags, maxLength);
  if (tokenizer.customTags) requireTags([read], rules.tags);
  const tokens = tokenizer.tokens(read);
  const encoded = encodeTokens(tokens, tokenizer.tags);
  const planner = new Planner(mask, () => tile, tokenizer.tags);
  const layout = planner.layout([encoded]);
  const { tags } = planner.mask;
  const indexes = planner.mask.tagIndexes(tokens.map(({ tag }) => tag));
  const sets = ruleSetsOf(rules).flat();
  return {
    text: read.text,
    ...explainedWords(read.text, tokens),
    cut: inTotal - tokens.length,
    mask,
    isSorted: layout.kind === 'sparse',
    order: layout.order,
    runs: runsOf(layout, (tag) => tags[tag]),
    tileConfig: layout.tileConfig,
    views: layout.heads.map((head) => {
      const rulesOfHead = { ...sets[head.heads?.[0] ?? 0], tags };
      return viewOf(layout, head, pairKinds(head.table, rulesOfHead, strategy, indexes, encoded.sentences));
    }),
    pairCounts: layout.pairCounts,
    closure: closureOf(layout, CLOSURE_LAYERS),
  };
}

/** Groups tokens into words. */
function explainedWords(
  text: string,
  tokens: readonly TaggedToken[],
): { tokens: ExplainedToken[]; words: ExplainedWord[] } {
  const words: ExplainedWord[] = [];
  let last: TaggedToken | undefined;
  const explained = tokens.map((token, at): ExplainedToken => {
    const { tag, sentence } = token;
    const isSpecial = sentence === NO_SENTENCE;
    const continues =
      last?.end === token.start && last.tag === tag && last.sentence === sentence && !isSpecial;
    if (continues) words.at(-1)!.tokens[1] = at + 1;
    else words.push({ text: token.text, tag, tokens: [at, at + 1], isSpecial });
    last = token;
    return { ...token, word: words.length - 1 };
  });
  for (const word of words) {
    const [first, next] = word.tokens;
    if (!word.isSpecial) word.text = text.slice(explained[first].start, explained[next - 1].end);
  }
  return { tokens: explained, words };
}

function runsOf({ kind, sequences }: Layout, tagOf: (index: number) => Tag): ExplainedRun[] {
  if (kind === 'dense') return [];
  return sequences[0].runs.map(({ tag, start, length }) => ({ tag: tagOf(tag), start, length }));
}

function viewOf(layout: Layout, { heads, queryTiles, pairCounts }: HeadLayout, kinds: Uint8Array): PairView {
  const count = layout.tokens;
  const tiles = queryTiles.map((tile) => {
    let useful = 0;
    for (let row = tile.rowStart; row < tile.rowStart + tile.rowCount; row++) {
      for (let key = 0; key < count; key++) {
        if (kinds[layout.order[row] * count + key] !== ABSENT) useful++;
      }
    }
    return { ...tile, useful, executed: executedPairsOfTile(tile, layout.tileConfig) };
  });
  const sorted = Array.from(layout.order);
  const rectangles = {
    reading: rectangleCount(kinds, [...sorted.keys()]),
    sorted: rectangleCount(kinds, sorted),
  };
  return { heads, kinds, tiles: tiles.sort((a, b) => a.rowStart - b.rowStart), pairCounts, rectangles };
}

/** Ratios of the counted pairs, and the largest possible speed-up. */
export function workOf({ useful, executed, dense }: PairCounts) {
  return { density: useful / dense, waste: executed / useful, idealSpeedup: dense / useful };
}
