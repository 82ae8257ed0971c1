import { ColumnCounter } from './column-counter.js';
import type { SortedBatch } from './tag-runs.js';
import { executedPairsOfTile, type Tile, type TileConfig } from './tiles.js';
import type { Visibility } from './visibility.js';

/** The work of one attention, counted three ways, in pairs per head. */
export interface PairCounts {
  /** Pairs that the rules allow. */
  useful: number;
  /** Pairs that the forward kernel and the query-gradient kernel multiply, padding included. */
  executed: number;
  /** Pairs that the key- and value-gradient kernel multiplies, padding included. */
  executedTransposed: number;
  /** N² for each sequence. */
  dense: number;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** @param visibility The columns of queries, or undefined where every pair exists. */
export function pairCountsOf(
  batch: SortedBatch,
  visibility: Visibility | undefined,
  queryTiles: readonly Tile[],
  keyTiles: readonly Tile[],
  tileConfig: TileConfig,
): PairCounts {
  const dense = sum(batch.sequences.map(({ length }) => length ** 2));
  const counter = visibility && new ColumnCounter(batch, visibility);
  return {
    useful: counter ? sum(batch.sequences.map((sequence) => counter.pairsOf(sequence))) : dense,
    executed: sum(queryTiles.map((tile) => executedPairsOfTile(tile, tileConfig))),
    executedTransposed: sum(keyTiles.map((tile) => executedPairsOfTile(tile, tileConfig))),
    dense,
  };
}

/** The mean of several heads' pair counts. */
export function meanPairCounts(counts: readonly { heads: number; pairCounts: PairCounts }[]): PairCounts {
  const heads = sum(counts.map((each) => each.heads));
  const mean = (name: keyof PairCounts) =>
    sum(counts.map((each) => each.heads * each.pairCounts[name])) / heads;
  return {
    useful: mean('useful'),
    executed: mean('executed'),
    executedTransposed: mean('executedTransposed'),
    dense: mean('dense'),
  };
}
