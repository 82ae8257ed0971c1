import type { PairTable } from '../src/grammar/pair-table.js';
import { ledgerOf } from '../src/plan/ledger.js';
import { checkedLengths, type Plan } from '../src/plan/plan.js';
import { keepOrder, type Run, sortByTag } from '../src/plan/runs.js';
import type { ColumnRange, Tile, TileShape } from '../src/plan/tiles.js';
import { contains, type TagSet, type Visibility, visibilityOf } from '../src/plan/visibility.js';

/**
 * A plan that leaves tokens in reading order: what the tag-sorted one is measured against. Kernels and results are the
 * same, only the tiles differ: each has `shape.rows` rows, and the columns that some row of its block of rows sees.
 *
 * @param block Rows and columns that are visited or skipped together, as block-sparse attention does it: a multiple of
 * `shape.rows`. With 1, a tile visits exactly the columns that its own rows see.
 */
export function planReadingOrder(
  tags: Uint8Array,
  lengths: ArrayLike<number>,
  table: PairTable,
  shape: TileShape,
  block: number,
): Plan {
  const checked = checkedLengths(lengths, tags.length);
  const queryTiles: Tile[] = [];
  const keyTiles: Tile[] = [];
  const { sequences, order } = keepOrder(checked);
  for (const { start, length } of sequences.flat()) {
    const sequence = { tags, start, end: start + length };
    queryTiles.push(...tilesInOrder(sequence, visibilityOf(table, 'queries'), shape, block));
    keyTiles.push(...tilesInOrder(sequence, visibilityOf(table, 'keys'), shape, block));
  }
  const runs = sortByTag(tags, checked, table.size).sequences;
  const ledger = ledgerOf(runs, table, queryTiles, keyTiles, shape);
  return {
    kind: 'sparse',
    shape,
    tokens: tags.length,
    lengths: checked,
    order,
    tags: tags.slice(),
    sequences: sequences.map((whole) => runsInOrder(tags, whole)),
    table,
    queryTiles,
    keyTiles,
    ledger,
  };
}

interface TokenSpan {
  tags: Uint8Array;
  start: number;
  end: number;
}

function runsInOrder(tags: Uint8Array, [whole]: Run[]): Run[] {
  const runs: Run[] = [];
  for (let token = whole?.start ?? 0; whole && token < whole.start + whole.length; token++) {
    const last = runs[runs.length - 1];
    if (last?.tag === tags[token]) last.length++;
    else runs.push({ tag: tags[token], start: token, length: 1 });
  }
  return runs;
}

function tagsWithin(tags: Uint8Array, start: number, end: number): TagSet {
  let set: TagSet = 0n;
  for (let token = start; token < end; token++) set |= 1n << BigInt(tags[token]);
  return set;
}

function tilesInOrder(span: TokenSpan, visibility: Visibility, shape: TileShape, block: number): Tile[] {
  const tiles: Tile[] = [];
  const rowsTogether = Math.max(block, shape.rows);
  for (let first = span.start; first < span.end; first += rowsTogether) {
    const last = Math.min(first + rowsTogether, span.end);
    let seen: TagSet = 0n;
    const rowTags = tagsWithin(span.tags, first, last);
    visibility.seen.forEach((columns, tag) => {
      if (contains(rowTags, tag)) seen |= columns;
    });
    const { ranges, columnCount } = columnsOf(span, seen, block);
    for (let rowStart = first; rowStart < last; rowStart += shape.rows) {
      const rowCount = Math.min(shape.rows, last - rowStart);
      tiles.push({ rowStart, rowCount, ranges, columnCount, tested: true });
    }
  }
  return tiles;
}

function columnsOf({ tags, start, end }: TokenSpan, seen: TagSet, block: number) {
  const ranges: ColumnRange[] = [];
  let columnCount = 0;
  for (let column = start; column < end; column += block) {
    const length = Math.min(block, end - column);
    if ((tagsWithin(tags, column, column + length) & seen) === 0n) continue;
    const last = ranges[ranges.length - 1];
    if (last && last.start + last.length === column) last.length += length;
    else ranges.push({ start: column, length });
    columnCount += length;
  }
  return { ranges, columnCount };
}
