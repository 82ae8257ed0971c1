import type { Plan } from './plan.js';
import type { Tile } from './tiles.js';

/** u32 words of a tile: first row, rows, first range, ranges, slots, tested. */
export const TILE_WORDS = 6;
/** u32 words of a range: first column, and the slot that it takes, counted over the ranges of its tile. */
export const RANGE_WORDS = 2;

/** A plan as the kernels read it: one array of u32 words, and where in it each part begins. */
export interface PlanWords {
  words: Uint32Array;
  queryTilesAt: number;
  queryRangesAt: number;
  keyTilesAt: number;
  keyRangesAt: number;
  positionsAt: number;
  labelsAt: number;
  tableAt: number;
}

/** Tiles, then their ranges, as words. */
export function tileWords(tiles: Tile[]): { tiles: Uint32Array; ranges: Uint32Array } {
  const rangeCount = tiles.reduce((count, tile) => count + tile.ranges.length, 0);
  const tileArray = new Uint32Array(tiles.length * TILE_WORDS);
  const rangeArray = new Uint32Array(rangeCount * RANGE_WORDS);
  let range = 0;
  for (const [index, tile] of tiles.entries()) {
    const words = [
      tile.rowStart,
      tile.rowCount,
      range,
      tile.ranges.length,
      tile.columnCount,
      tile.tested ? 1 : 0,
    ];
    tileArray.set(words, index * TILE_WORDS);
    let slot = 0;
    for (const { start, length } of tile.ranges) {
      rangeArray.set([start, slot], range * RANGE_WORDS);
      slot += length;
      range++;
    }
  }
  return { tiles: tileArray, ranges: rangeArray };
}

/** Arrays one behind another, and where each begins. */
export function concatenated(parts: Uint32Array[]): { words: Uint32Array; offsets: number[] } {
  const offsets: number[] = [];
  let length = 0;
  for (const part of parts) {
    offsets.push(length);
    length += part.length;
  }
  const words = new Uint32Array(length);
  parts.forEach((part, index) => {
    words.set(part, offsets[index]);
  });
  return { words, offsets };
}

/** Writes a plan as words. The pair table stands last, as the bits of its f32 numbers. */
export function planWords(plan: Plan): PlanWords {
  const query = tileWords(plan.queryTiles);
  const key = plan.keyTiles === plan.queryTiles ? query : tileWords(plan.keyTiles);
  const table = new Uint32Array((plan.table?.biases ?? new Float32Array(0)).slice().buffer);
  const sameTiles = key === query;
  const empty = new Uint32Array(0);
  const { words, offsets } = concatenated([
    query.tiles,
    query.ranges,
    sameTiles ? empty : key.tiles,
    sameTiles ? empty : key.ranges,
    plan.order,
    Uint32Array.from(plan.tags),
    table,
  ]);
  const [queryTilesAt, queryRangesAt, keyTilesAt, keyRangesAt, positionsAt, labelsAt, tableAt] = offsets;
  return {
    words,
    queryTilesAt,
    queryRangesAt,
    keyTilesAt: sameTiles ? queryTilesAt : keyTilesAt,
    keyRangesAt: sameTiles ? queryRangesAt : keyRangesAt,
    positionsAt,
    labelsAt,
    tableAt,
  };
}
