import { CallerError } from '../base/errors.js';
import { allowsAll, type PairTable } from '../grammar/pair-table.js';
import { MOST_TAGS } from '../grammar/rules.js';
import { NO_MASK } from './key-columns.js';
import { type LabelBits, labelBits } from './label-bits.js';
import { meanPairCounts, type PairCounts, pairCountsOf } from './pair-counts.js';
import { paddedToQuads } from './ranges.js';
import { sentencesFor } from './sentence-numbers.js';
import { sortedBatch } from './sorting.js';
import { rankOfTag } from './tag-order.js';
import { keepOrder, type Sequence, type SortedBatch } from './tag-runs.js';
import { COUNTING_TILE, type Tile, type TileConfig, tilesOf } from './tiles.js';
import { visibilityOf } from './visibility.js';

/** The longest sequence that the kernels are tested at. */
export const LONGEST_SEQUENCE = 16_384;

/** The longest batch: kernels compare positions as f32, which represents larger integers inexactly. */
export const MOST_TOKENS = 2 ** 24;

/** The tiles of heads that share one pair table. */
export interface HeadLayout {
  /** Which heads, ascending; undefined for all heads. The numbers continue from layer to layer. */
  heads: readonly number[] | undefined;
  /** The biases of pairs of tags; undefined in a dense layout. */
  table: PairTable | undefined;
  /** The table as bits, where bits can represent it and no rule has a scope. */
  bits: LabelBits | undefined;
  /** Whether every pair of a sequence exists: a tile then has all columns of its sequence, as one range. */
  isFull: boolean;
  /** Rows are queries, columns are keys: for the forward pass and the gradients of queries. */
  queryTiles: Tile[];
  /** Rows are keys, columns are queries: for the gradients of keys and values. */
  keyTiles: Tile[];
  /** Pairs of one of these heads, all sequences together. */
  readonly pairCounts: PairCounts;
}

/**
 * A packed batch, laid out for the attention kernels. All arrays are in sorted order, in which the kernels expect their tokens.
 * `order` maps it to the caller's order.
 */
export interface Layout extends SortedBatch {
  /** Dense layouts use the dense kernels, sparse ones the kernels with ranges and a pair table. */
  kind: 'dense' | 'sparse';
  /** The tiles of the kernels that it is for. */
  tileConfig: TileConfig;
  /** Tokens of the whole batch. */
  tokens: number;
  /** [sequences], the tokens of each. */
  lengths: Uint32Array;
  /** Whether queries attend to no later keys. */
  causal: boolean;
  /** Whether any pair depends on the positions of its tokens in the text. */
  positional: boolean;
  /** One layout for all heads, or one for each distinct pair table. */
  heads: HeadLayout[];
  /** Heads of a layer, where some `HeadLayout` lists its heads. */
  headsOfLayer: number;
  /** Pairs per head: the mean over heads and layers where they differ. */
  readonly pairCounts: PairCounts;
}

/** The lengths, checked: each is short enough, and their sum is `tokens`. @throws CallerError otherwise. */
export function checkedLengths(lengths: ArrayLike<number>, tokens: number): Uint32Array {
  let total = 0;
  for (let sequence = 0; sequence < lengths.length; sequence++) {
    const length = lengths[sequence];
    if (!Number.isInteger(length) || length < 0 || length > LONGEST_SEQUENCE) {
      throw new CallerError({
        what: `a sequence of ${length} tokens`,
        where: `lengths[${sequence}]`,
        expected: `0 to ${LONGEST_SEQUENCE}`,
        remedy: 'cut the sequence',
      });
    }
    total += length;
  }
  if (tokens > MOST_TOKENS) {
    throw new CallerError({
      what: `a batch of ${tokens} tokens`,
      expected: `at most ${MOST_TOKENS}`,
      remedy: 'use a smaller batch',
    });
  }
  if (total !== tokens) {
    throw new CallerError({
      what: `the lengths add up to ${total} tokens`,
      where: 'lengths',
      expected: `${tokens}`,
    });
  }
  return Uint32Array.from(lengths);
}

/** A value that is computed at its first use. */
function lazy<T>(make: () => T): () => T {
  let value: { made: T } | undefined;
  return () => {
    value ??= { made: make() };
    return value.made;
  };
}

/** A layout in which every token of a sequence attends to every other, in the caller's order. */
export function denseLayout(lengths: ArrayLike<number>, tile = COUNTING_TILE): Layout {
  const tokens = Array.from(lengths).reduce((total, length) => total + length, 0);
  const checked = checkedLengths(lengths, tokens);
  const batch = keepOrder(checked);
  const tiles = batch.sequences.flatMap((sequence, index) => denseTiles(sequence, index, tile));
  const pairCounts = pairCountsOf(batch, undefined, tiles, tiles, tile);
  const all = { heads: undefined, table: undefined, bits: undefined, isFull: true };
  const heads = [{ ...all, queryTiles: tiles, keyTiles: tiles, pairCounts }];
  return {
    kind: 'dense',
    tileConfig: tile,
    tokens,
    lengths: checked,
    ...batch,
    causal: false,
    positional: false,
    heads,
    headsOfLayer: 1,
    pairCounts,
  };
}

function denseTiles({ start, length }: Sequence, sequence: number, { rows }: TileConfig): Tile[] {
  return Array.from({ length: Math.ceil(length / rows) }, (_, index) => ({
    sequence,
    rowStart: start + index * rows,
    rowCount: Math.min(rows, length - index * rows),
    ranges: [{ start, length }],
    paddedColumns: paddedToQuads(length),
    needsMask: NO_MASK,
  }));
}

/** The input of a sparse layout. */
export interface SparseInput {
  /** [tokens], tag indexes below the tables' size, in the caller's order. */
  tags: Uint8Array;
  /** Tokens of each sequence. */
  lengths: ArrayLike<number>;
  /**
   * The pair table of all heads, or one for each head, layer after layer. Heads with the same object share their tiles, and all
   * heads share one order of tokens.
   */
  tables: PairTable | readonly PairTable[];
  /** The layers that the tables are for; 1 by default. */
  layers?: number;
  /**
   * [tokens], the sentence of each token, ascending within a sequence, or NO_SENTENCE for tokens that belong to the document.
   * By default each sequence is one sentence.
   */
  sentences?: ArrayLike<number>;
  /** Whether queries attend to no later keys; false by default. */
  causal?: boolean;
}

/**
 * A layout for pair tables: tokens sorted inside each sequence, tiles of rows with the column ranges that they attend to, and the
 * same transposed. Its size and the time to compute it grow with the tokens, not with their square.
 *
 * @throws CallerError where lengths, tags and sentences do not fit together, or a sequence is too long.
 */
export function sparseLayout(input: SparseInput, tile = COUNTING_TILE): Layout {
  const { tags, causal = false, layers = 1 } = input;
  const tables = isList(input.tables) ? input.tables : [input.tables];
  const lengths = checkedLengths(input.lengths, tags.length);
  checkTags(tags, tables);
  const sentences = sentencesFor(tables, tags.length, input.sentences, lengths);
  const batch = sortedBatch({ tags, sentences, rankOfTag: rankOfTag(tables) }, lengths, tables);
  const distinct = [...new Set(tables)];
  const positional = causal || tables.some(({ scopes }) => scopes !== undefined);
  const heads = distinct.map((table): HeadLayout => {
    const numbers = tables.flatMap((each, head) => (each === table ? [head] : []));
    const [queries, keys] = [visibilityOf(table, 'queries', causal), visibilityOf(table, 'keys', causal)];
    const queryTiles = tilesOf(batch, queries, tile);
    const keyTiles = tilesOf(batch, keys, tile);
    const pairCounts = lazy(() => pairCountsOf(batch, queries, queryTiles, keyTiles, tile));
    return {
      heads: distinct.length > 1 ? numbers : undefined,
      table,
      bits: table.scopes ? undefined : labelBits(table),
      isFull: !causal && allowsAll(table),
      queryTiles,
      keyTiles,
      get pairCounts() {
        return pairCounts();
      },
    };
  });
  return {
    kind: 'sparse',
    tileConfig: tile,
    tokens: tags.length,
    lengths,
    ...batch,
    causal,
    positional,
    heads,
    headsOfLayer: tables.length / layers,
    get pairCounts() {
      const counts = heads.map((each) => ({ heads: each.heads?.length ?? 1, pairCounts: each.pairCounts }));
      return heads.length === 1 ? heads[0].pairCounts : meanPairCounts(counts);
    },
  };
}

function isList(tables: PairTable | readonly PairTable[]): tables is readonly PairTable[] {
  return Array.isArray(tables);
}

function checkTags(tags: Uint8Array, tables: readonly PairTable[]): void {
  const { size } = tables[0];
  // Kernels hold two words of bits for each tag.
  if (size > MOST_TAGS) throw new CallerError({ what: `${size} tags`, expected: `1 to ${MOST_TAGS}` });
  const other = tables.findIndex((table) => table.size !== size);
  if (other >= 0) {
    throw new CallerError({
      what: `${tables[other].size} tags`,
      where: `rules of head ${other}`,
      expected: `${size}, as for head 0`,
    });
  }
  const unknown = tags.findIndex((tag) => tag >= size);
  if (unknown < 0) return;
  throw new CallerError({
    what: `tag index ${tags[unknown]}`,
    where: `tags[${unknown}]`,
    expected: `0 to ${size - 1}`,
  });
}
