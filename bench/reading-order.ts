import type { PairTable } from '../src/grammar/pair-table.js';
import { NOWHERE } from '../src/grammar/scope.js';
import { type Columns, MASK_TAGS } from '../src/plan/key-columns.js';
import { labelBits } from '../src/plan/label-bits.js';
import { checkedLengths, type Layout } from '../src/plan/layout.js';
import { pairCountsOf } from '../src/plan/pair-counts.js';
import { paddedToQuads, QUAD } from '../src/plan/ranges.js';
import { sortedBatch } from '../src/plan/sorting.js';
import { keepOrder, type Sequence, type TagRun } from '../src/plan/tag-runs.js';
import type { Tile, TileConfig } from '../src/plan/tiles.js';
import { type Visibility, visibilityOf } from '../src/plan/visibility.js';

/**
 * A plan with tokens in reading order, the baseline of the tag-sorted plan. Kernels and results are the same, only the tiles
 * differ: each has `tileConfig.rows` rows, and the columns that any row of its block of rows sees.
 *
 * @param block Rows and columns that are visited or skipped together, as in block-sparse attention: a multiple of
 * `tileConfig.rows`. With 1, a tile visits exactly the quads of columns that its own rows see.
 */
export function readingOrderLayout(
  tags: Uint8Array,
  lengths: ArrayLike<number>,
  table: PairTable,
  tileConfig: TileConfig,
  block: number,
): Layout {
  const checked = checkedLengths(lengths, tags.length);
  const queryTiles: Tile[] = [];
  const keyTiles: Tile[] = [];
  const { sequences, order } = keepOrder(checked);
  const queries = visibilityOf(table, 'queries');
  const keys = visibilityOf(table, 'keys');
  sequences.forEach((sequence, index) => {
    queryTiles.push(...tilesInOrder(tags, sequence, index, queries, tileConfig, block));
    keyTiles.push(...tilesInOrder(tags, sequence, index, keys, tileConfig, block));
  });
  const rankOfTag = Uint8Array.from({ length: table.size }, (_, tag) => tag);
  const sorted = sortedBatch({ tags, rankOfTag }, checked, [table]);
  const pairCounts = pairCountsOf(sorted, queries, queryTiles, keyTiles, tileConfig);
  return {
    kind: 'sparse',
    tileConfig,
    tokens: tags.length,
    lengths: checked,
    order,
    tags: tags.slice(),
    sentences: undefined,
    sequences: sequences.map((sequence) => ({ ...sequence, runs: runsInOrder(tags, sequence) })),
    causal: false,
    positional: false,
    heads: [
      { heads: undefined, table, bits: labelBits(table), isFull: false, queryTiles, keyTiles, pairCounts },
    ],
    headsOfLayer: 1,
    pairCounts,
  };
}

function runsInOrder(tags: Uint8Array, { start, length }: Sequence): TagRun[] {
  const runs: TagRun[] = [];
  for (let token = start; token < start + length; token++) {
    const last = runs[runs.length - 1];
    if (last?.tag === tags[token]) last.length++;
    else runs.push({ tag: tags[token], start: token, length: 1 });
  }
  return runs;
}

function tagsWithin(tags: Uint8Array, start: number, end: number): Set<number> {
  return new Set(tags.subarray(start, end));
}

function tilesInOrder(
  tags: Uint8Array,
  { start, length }: Sequence,
  sequence: number,
  { size, reach }: Visibility,
  tileConfig: TileConfig,
  block: number,
): Tile[] {
  const tiles: Tile[] = [];
  const end = start + length;
  const rowsTogether = Math.max(block, tileConfig.rows);
  for (let first = start; first < end; first += rowsTogether) {
    const last = Math.min(first + rowsTogether, end);
    const rowTags = [...tagsWithin(tags, first, last)];
    const sees = (tag: number) => rowTags.some((row) => reach[row * size + tag] !== NOWHERE);
    const columns = columnsOf(tags, start, end, sees, Math.max(block, QUAD));
    for (let rowStart = first; rowStart < last; rowStart += tileConfig.rows) {
      tiles.push({ sequence, rowStart, rowCount: Math.min(tileConfig.rows, last - rowStart), ...columns });
    }
  }
  return tiles;
}

function columnsOf(
  tags: Uint8Array,
  start: number,
  end: number,
  sees: (tag: number) => boolean,
  block: number,
): Columns {
  const ranges: Columns['ranges'] = [];
  let paddedColumns = 0;
  for (let column = start; column < end; column += block) {
    const length = Math.min(block, end - column);
    if (![...tagsWithin(tags, column, column + length)].some(sees)) continue;
    const last = ranges[ranges.length - 1];
    if (last && last.start + last.length === column) last.length += length;
    else ranges.push({ start: column, length });
    paddedColumns += paddedToQuads(length);
  }
  return { ranges, paddedColumns, needsMask: MASK_TAGS };
}
