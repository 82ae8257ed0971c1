import { allows, type PairTable } from '../grammar/pair-table.js';
import type { Run } from './runs.js';
import { executedPairs, type Tile, type TileShape } from './tiles.js';

/** The work of one attention, counted three ways, in pairs per head. */
export interface Ledger {
  /** Pairs that the rules allow. */
  useful: number;
  /** Pairs that the forward kernel and the query-gradient kernel multiply, padding included. */
  executed: number;
  /** Pairs that the key- and value-gradient kernel multiplies, padding included. */
  executedTransposed: number;
  /** N² for each sequence. */
  dense: number;
}

function usefulPairs(runs: Run[], table: PairTable): number {
  let pairs = 0;
  for (const query of runs) {
    for (const key of runs) {
      if (allows(table, query.tag, key.tag)) pairs += query.length * key.length;
    }
  }
  return pairs;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** @param table The pair table, or undefined where every pair exists. */
export function ledgerOf(
  sequences: Run[][],
  table: PairTable | undefined,
  queryTiles: Tile[],
  keyTiles: Tile[],
  shape: TileShape,
): Ledger {
  const dense = sum(sequences.map((runs) => sum(runs.map((run) => run.length)) ** 2));
  return {
    useful: table ? sum(sequences.map((runs) => usefulPairs(runs, table))) : dense,
    executed: sum(queryTiles.map((tile) => executedPairs(tile, shape))),
    executedTransposed: sum(keyTiles.map((tile) => executedPairs(tile, shape))),
    dense,
  };
}
