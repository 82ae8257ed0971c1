import { allows, type PairTable } from '../grammar/pair-table.js';

/** A set of tags, one bit each: up to 64 of them. */
export type TagSet = bigint;

export function setOf(tag: number): TagSet {
  return 1n << BigInt(tag);
}

export function contains(set: TagSet, tag: number): boolean {
  return (set & setOf(tag)) !== 0n;
}

/** Which tags a row of some tag sees, and where the pair carries a bias. */
export interface Visibility {
  /** For each row tag, the tags it sees. */
  seen: TagSet[];
  /** For each row tag, those among the seen whose pair has a bias other than 0. */
  biased: TagSet[];
}

/**
 * Reads a pair table row by row: rows are queries that see keys, or, transposed, keys that are seen by queries (the
 * pass over which the gradients of keys and values run).
 */
export function visibilityOf(table: PairTable, rows: 'queries' | 'keys'): Visibility {
  const seen: TagSet[] = [];
  const biased: TagSet[] = [];
  for (let row = 0; row < table.size; row++) {
    seen[row] = 0n;
    biased[row] = 0n;
    for (let column = 0; column < table.size; column++) {
      const [query, key] = rows === 'queries' ? [row, column] : [column, row];
      if (!allows(table, query, key)) continue;
      seen[row] |= setOf(column);
      if (table.biases[query * table.size + key] !== 0) biased[row] |= setOf(column);
    }
  }
  return { seen, biased };
}

/** Everybody sees everybody, without a bias: the visibility of dense attention, over one tag. */
export const FULL_VISIBILITY: Visibility = { seen: [1n], biased: [0n] };
