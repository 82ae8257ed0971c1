import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TokenBias } from '../../bench/reference-pairs.js';
import { MASK_POSITIONS, NO_MASK, ONE_TAG } from '../../src/plan/key-columns.js';
import type { Layout } from '../../src/plan/layout.js';
import { QUAD } from '../../src/plan/ranges.js';
import type { Tile } from '../../src/plan/tiles.js';
import { runs } from '../support/arbitraries.js';
import {
  anyBatch,
  anyCrowdedBatch,
  anyUnscopedBatch,
  biasesOf,
  headLayouts,
  layoutOf,
  SIDES,
  type Side,
  spansOf,
  type TaggedBatch,
  tilesOf,
} from './random-batch.js';

/** The lists of tiles of a plan: those of queries and those of keys, for each head. */
function tileLists(layout: Layout): { head: number; side: Side; tiles: Tile[] }[] {
  return headLayouts(layout).flatMap(({ head, headLayout }) =>
    SIDES.map((side) => ({ head, side, tiles: tilesOf(headLayout, side) })),
  );
}

/** All tiles of a plan, each with the bias of its rows and columns in sorted order. */
function* tilesWithPairs(batch: TaggedBatch, layout: Layout): Generator<{ tile: Tile; pair: TokenBias }> {
  for (const { head, side, tiles } of tileLists(layout)) {
    const biasOf = biasesOf(batch, head);
    const pair: TokenBias = (row, column) => {
      const [query, key] = side === 'queries' ? [row, column] : [column, row];
      return biasOf(layout.order[query], layout.order[key]);
    };
    for (const tile of tiles) yield { tile, pair };
  }
}

function tokensOf({ start, length }: { start: number; length: number }): number[] {
  return Array.from({ length }, (_, index) => start + index);
}

function rowsOf({ rowStart, rowCount }: Tile): number[] {
  return tokensOf({ start: rowStart, length: rowCount });
}

/** The first tile, in the order of rows, that does not follow the one before, is empty or too tall, or crosses sequences. */
function partitionComplaint({ lengths, tags, tileConfig }: TaggedBatch, tiles: Tile[]): string | undefined {
  const spans = spansOf(lengths);
  let row = 0;
  for (const { sequence, rowStart, rowCount } of [...tiles].sort((a, b) => a.rowStart - b.rowStart)) {
    if (rowStart !== row) return `a tile starts at ${rowStart}, the one before ends at ${row}`;
    if (!(rowCount >= 1 && rowCount <= tileConfig.rows)) return `a tile of ${rowCount} rows`;
    row += rowCount;
    const [start, end] = spans[sequence];
    if (rowStart < start || row > end) return `the tile at ${rowStart} is not in sequence ${sequence}`;
  }
  return row === tags.length ? undefined : `the last tile ends at ${row}`;
}

function rangeComplaint({ lengths, tileConfig }: TaggedBatch, tile: Tile): string | undefined {
  const [start, end] = spansOf(lengths)[tile.sequence];
  let last = Number.NEGATIVE_INFINITY;
  let paddedColumns = 0;
  if (tileConfig.oneRange && tile.ranges.length > 1) return `${tile.ranges.length} ranges`;
  for (const range of tile.ranges) {
    if (range.length < 1) return 'an empty range';
    if (range.start === last) return `ranges that touch at ${last} and are not one`;
    if (range.start < last) return `a range at ${range.start} after one that ends at ${last}`;
    if (tile.needsMask !== NO_MASK && (range.start - start) % QUAD !== 0) {
      return `a masked range at ${range.start}, where no word of labels starts`;
    }
    last = range.start + range.length;
    paddedColumns += Math.ceil(range.length / QUAD) * QUAD;
    if (range.start < start || last > end) return 'a range that leaves the sequence';
  }
  return paddedColumns === tile.paddedColumns
    ? undefined
    : `${paddedColumns} paddedColumns, not ${tile.paddedColumns}`;
}

/** The first quad whose columns no row of the tile sees. */
function wasteComplaint(tile: Tile, pair: TokenBias): string | undefined {
  for (const { start, length } of tile.ranges) {
    for (let quad = start; quad < start + length; quad += QUAD) {
      const columns = tokensOf({ start: quad, length: Math.min(QUAD, start + length - quad) });
      const isSeen = columns.some((column) => rowsOf(tile).some((row) => pair(row, column) !== undefined));
      if (!isSeen) return `no row sees the quad of columns at ${quad} of the tile at ${tile.rowStart}`;
    }
  }
  return undefined;
}

/** Whether a column that some row of the tile sees is absent or biased for some row. */
function requiresMask(tile: Tile, pair: TokenBias): boolean {
  return tile.ranges.flatMap(tokensOf).some((column) => {
    const biases = rowsOf(tile).map((row) => pair(row, column));
    return biases.some((bias) => bias !== undefined) && biases.some((bias) => bias !== 0);
  });
}

function expectNoComplaint(complaints: Iterable<string | undefined>): void {
  expect([...complaints].find((complaint) => complaint !== undefined)).toBeUndefined();
}

/** The first pair that exists and is not covered exactly once. */
function coverageComplaint(
  batch: TaggedBatch,
  layout: Layout,
  { head, side, tiles }: ReturnType<typeof tileLists>[number],
): string | undefined {
  const tokens = batch.tags.length;
  const times = new Uint8Array(tokens * tokens);
  for (const tile of tiles) {
    for (const column of tile.ranges.flatMap(tokensOf)) {
      for (const row of rowsOf(tile)) times[row * tokens + column]++;
    }
  }
  const biasOf = biasesOf(batch, head);
  for (const [start, end] of spansOf(batch.lengths)) {
    for (let row = start; row < end; row++) {
      for (let column = start; column < end; column++) {
        const [query, key] = side === 'queries' ? [row, column] : [column, row];
        if (biasOf(layout.order[query], layout.order[key]) === undefined) continue;
        const covered = times[row * tokens + column];
        if (covered !== 1) return `row ${row}, column ${column}: covered ${covered} times`;
      }
    }
  }
  return undefined;
}

/** The first pair of a tile without a mask that does not exist or has a bias. */
function maskComplaint(tile: Tile, pair: TokenBias): string | undefined {
  if (tile.needsMask !== NO_MASK) return undefined;
  for (const column of tile.ranges.flatMap(tokensOf)) {
    const row = rowsOf(tile).find((each) => pair(each, column) !== 0);
    if (row !== undefined) return `row ${row}, column ${column} is ${pair(row, column)}, and not masked`;
  }
  return undefined;
}

describe('the tiles of queries, and those of keys', () => {
  it('divide the rows of every sequence; none is empty, or taller than the kernels allow', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        expectNoComplaint(tileLists(layoutOf(batch)).map(({ tiles }) => partitionComplaint(batch, tiles)));
      }),
      runs(150),
    );
  });

  it('have ranges that ascend, do not touch and stay in the sequence; masked ranges start at a word of labels', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const tiles = tileLists(layoutOf(batch)).flatMap((list) => list.tiles);
        expectNoComplaint(tiles.map((tile) => rangeComplaint(batch, tile)));
      }),
      runs(150),
    );
  });

  it('have all columns of their sequence, as one range, where every pair exists', () => {
    let full = 0;
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const spans = spansOf(batch.lengths);
        for (const { isFull, queryTiles, keyTiles } of layoutOf(batch).heads) {
          for (const { sequence, ranges } of isFull ? [...queryTiles, ...keyTiles] : []) {
            const [start, end] = spans[sequence];
            expect(ranges).toEqual([{ start, length: end - start }]);
            full++;
          }
        }
      }),
      runs(100),
    );
    expect(full).toBeGreaterThan(0);
  });

  it.each([
    ['any batch', anyBatch, 150],
    ['a batch of many tag runs', anyCrowdedBatch, 100],
  ])('cover every pair that exists exactly once: %s', (_, batches, count) => {
    fc.assert(
      fc.property(batches, (batch) => {
        const layout = layoutOf(batch);
        expectNoComplaint(tileLists(layout).map((list) => coverageComplaint(batch, layout, list)));
      }),
      runs(count),
    );
  });

  it('have only pairs that exist, without bias, where they need no mask', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const tiles = [...tilesWithPairs(batch, layoutOf(batch))];
        expectNoComplaint(tiles.map(({ tile, pair }) => maskComplaint(tile, pair)));
      }),
      runs(150),
    );
  });

  it('of rules without scopes need a mask only where a pair requires it, and waste no quad of columns', () => {
    fc.assert(
      fc.property(anyUnscopedBatch, (batch) => {
        fc.pre(!batch.tileConfig.oneRange);
        for (const { tile, pair } of tilesWithPairs(batch, layoutOf(batch))) {
          if (tile.needsMask !== NO_MASK) {
            expect(requiresMask(tile, pair), `the tile at ${tile.rowStart} has a mask`).toBe(true);
          }
          expect(wasteComplaint(tile, pair)).toBeUndefined();
        }
      }),
      runs(150),
    );
  });

  it('have one mask for all rows only where these have one tag, and rules have no scope', () => {
    let tilesOfOneTag = 0;
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const layout = layoutOf(batch);
        for (const { table, queryTiles, keyTiles } of layout.heads) {
          for (const tile of [...queryTiles, ...keyTiles]) {
            if ((tile.needsMask & ONE_TAG) === 0) continue;
            tilesOfOneTag++;
            expect(new Set(rowsOf(tile).map((row) => layout.tags[row])).size).toBe(1);
            expect([tile.needsMask & MASK_POSITIONS, layout.causal, table!.scopes]).toEqual([
              0,
              false,
              undefined,
            ]);
          }
        }
      }),
      runs(150),
    );
    expect(tilesOfOneTag).toBeGreaterThan(0);
  });

  it('are in the order of rows', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        for (const { tiles } of tileLists(layoutOf(batch))) {
          const starts = tiles.map(({ rowStart }) => rowStart);
          expect(starts).toEqual(starts.toSorted((a, b) => a - b));
        }
      }),
      runs(50),
    );
  });
});
