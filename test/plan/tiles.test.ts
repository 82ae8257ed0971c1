import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/plan/plan.js';
import type { Tile } from '../../src/plan/tiles.js';
import { runs } from '../support/arbitraries.js';
import { anyBatch, biasOf, planOf, spansOf, type TaggedBatch } from './random-batch.js';

type Side = 'queries' | 'keys';

function tilesOf(plan: Plan, side: Side): Tile[] {
  return side === 'queries' ? plan.queryTiles : plan.keyTiles;
}

/** The bias of the pair that a row of a tile and one of its columns make, both in sorted order. */
function pairBias(
  batch: TaggedBatch,
  plan: Plan,
  side: Side,
  row: number,
  column: number,
): number | undefined {
  const [query, key] = side === 'queries' ? [row, column] : [column, row];
  return biasOf(batch, plan.order[query], plan.order[key]);
}

/** The first tile that does not follow the one before, is empty or too tall, or crosses sequences. */
function partitionComplaint(batch: TaggedBatch, tiles: Tile[]): string | undefined {
  const spans = spansOf(batch.lengths);
  let row = 0;
  for (const { rowStart, rowCount } of tiles) {
    if (rowStart !== row) return `a tile begins at ${rowStart}, the one before ends at ${row}`;
    if (!(rowCount >= 1 && rowCount <= 32)) return `a tile of ${rowCount} rows`;
    row += rowCount;
    if (!spans.some(([start, end]) => start <= rowStart && row <= end))
      return `the tile at ${rowStart} crosses sequences`;
  }
  return row === batch.tags.length ? undefined : `the last tile ends at ${row}`;
}

function rangeComplaint(batch: TaggedBatch, tile: Tile): string | undefined {
  const [start, end] = spansOf(batch.lengths).find(
    (span) => span[0] <= tile.rowStart && tile.rowStart < span[1],
  )!;
  let last = Number.NEGATIVE_INFINITY;
  let columns = 0;
  for (const range of tile.ranges) {
    if (range.length < 1) return 'an empty range';
    if (range.start === last) return `ranges that touch at ${last} and are not one`;
    if (range.start < last) return `a range at ${range.start} behind one that ends at ${last}`;
    last = range.start + range.length;
    columns += range.length;
    if (range.start < start || last > end) return 'a range that leaves the sequence';
  }
  return columns === tile.columnCount ? undefined : `${columns} columns, columnCount ${tile.columnCount}`;
}

/** The first pair that exists and is not covered once. */
function coverageComplaint(batch: TaggedBatch, plan: Plan, side: Side): string | undefined {
  const tokens = batch.tags.length;
  const times = new Uint8Array(tokens * tokens);
  for (const { rowStart, rowCount, ranges } of tilesOf(plan, side)) {
    for (let row = rowStart; row < rowStart + rowCount; row++) {
      for (const { start, length } of ranges) {
        for (let column = start; column < start + length; column++) times[row * tokens + column]++;
      }
    }
  }
  for (const [start, end] of spansOf(batch.lengths)) {
    for (let row = start; row < end; row++) {
      for (let column = start; column < end; column++) {
        if (pairBias(batch, plan, side, row, column) === undefined) continue;
        const covered = times[row * tokens + column];
        if (covered !== 1) return `row ${row}, column ${column}: covered ${covered} times`;
      }
    }
  }
  return undefined;
}

/** Holds the mark of a tile, and the columns it has, against every one of its pairs. */
function tileComplaint(batch: TaggedBatch, plan: Plan, side: Side, tile: Tile): string | undefined {
  let plain = true;
  for (const { start, length } of tile.ranges) {
    for (let column = start; column < start + length; column++) {
      let seen = false;
      for (let row = tile.rowStart; row < tile.rowStart + tile.rowCount; row++) {
        const bias = pairBias(batch, plan, side, row, column);
        if (bias !== undefined) seen = true;
        if (bias !== 0) plain = false;
      }
      if (!seen) return `column ${column} of the tile at ${tile.rowStart} is seen by no row`;
    }
  }
  return tile.tested === !plain ? undefined : `the tile at ${tile.rowStart}: tested is ${tile.tested}`;
}

describe.each<Side>(['queries', 'keys'])('tiles of %s', (side) => {
  it('part the rows of every sequence, none empty, none of more than 32', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        expect(partitionComplaint(batch, tilesOf(planOf(batch), side))).toBeUndefined();
      }),
      runs(300),
    );
  });

  it('have ranges that ascend, do not touch, and stay in the sequence', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        for (const tile of tilesOf(planOf(batch), side)) expect(rangeComplaint(batch, tile)).toBeUndefined();
      }),
      runs(300),
    );
  });

  it('cover every pair that exists exactly once', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        expect(coverageComplaint(batch, planOf(batch), side)).toBeUndefined();
      }),
      runs(300),
    );
  });

  it('are tested where a pair does not exist or carries a bias, and hold no column that nobody sees', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const plan = planOf(batch);
        const complaints = tilesOf(plan, side).map((tile) => tileComplaint(batch, plan, side, tile));
        expect(complaints.filter((complaint) => complaint !== undefined)).toEqual([]);
      }),
      runs(300),
    );
  });
});
