import { CallerError } from '../gpu/errors.js';
import type { PairTable } from '../grammar/pair-table.js';
import { type Ledger, ledgerOf } from './ledger.js';
import { keepOrder, type Run, sortByTag } from './runs.js';
import { type Tile, type TileShape, tilesOf, WORKGROUP_TILE } from './tiles.js';
import { FULL_VISIBILITY, visibilityOf } from './visibility.js';

/** The longest sequence that the kernels are tested at. */
export const LONGEST_SEQUENCE = 16_384;

/**
 * Everything that the attention kernels need to know of a packed batch. All arrays are in sorted order, in which the
 * kernels expect their tokens; `order` leads back to the caller's.
 */
export interface Plan {
  /** Dense plans use the dense kernels; sparse ones the kernels with ranges and a pair table. */
  kind: 'dense' | 'sparse';
  /** The tiles of the kernels that the plan is made for. */
  shape: TileShape;
  /** Tokens of the whole batch. */
  tokens: number;
  lengths: Uint32Array;
  /** For each token in sorted order, its index in the caller's order. */
  order: Uint32Array;
  /** For each token, its tag index, in sorted order; 0 everywhere in a dense plan. */
  tags: Uint8Array;
  sequences: Run[][];
  table: PairTable | undefined;
  queryTiles: Tile[];
  keyTiles: Tile[];
  ledger: Ledger;
}

/** Lengths that add up to the tokens, each within what the kernels are tested at. @throws CallerError else. */
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
  if (total !== tokens) {
    throw new CallerError({
      what: `the lengths add up to ${total} tokens`,
      where: 'lengths',
      expected: `${tokens}`,
    });
  }
  return Uint32Array.from(lengths);
}

/** A plan in which every token of a sequence sees every other, in the caller's own order. */
export function planDense(lengths: ArrayLike<number>, shape = WORKGROUP_TILE): Plan {
  const tokens = Array.from(lengths).reduce((total, length) => total + length, 0);
  const checked = checkedLengths(lengths, tokens);
  const batch = keepOrder(checked);
  const tiles = tilesOf(batch.sequences, FULL_VISIBILITY, shape);
  const ledger = ledgerOf(batch.sequences, undefined, tiles, tiles, shape);
  return {
    kind: 'dense',
    shape,
    tokens,
    lengths: checked,
    ...batch,
    table: undefined,
    queryTiles: tiles,
    keyTiles: tiles,
    ledger,
  };
}

/**
 * A plan for a pair table: tokens sorted by tag inside each sequence, tiles of rows with the column ranges they see, and
 * the same transposed. Its size and the time to make it grow with the tokens, never with their square.
 *
 * @param tags [tokens], tag indexes below `table.size`, in the caller's order.
 * @param lengths Tokens of each sequence.
 * @throws CallerError where lengths and tags do not fit together, or a sequence is too long.
 */
export function planSparse(
  tags: Uint8Array,
  lengths: ArrayLike<number>,
  table: PairTable,
  shape = WORKGROUP_TILE,
): Plan {
  const checked = checkedLengths(lengths, tags.length);
  const unknown = tags.findIndex((tag) => tag >= table.size);
  if (unknown >= 0) {
    throw new CallerError({
      what: `tag index ${tags[unknown]}`,
      where: `tags[${unknown}]`,
      expected: `0 to ${table.size - 1}`,
    });
  }
  const batch = sortByTag(tags, checked, table.size);
  const queryTiles = tilesOf(batch.sequences, visibilityOf(table, 'queries'), shape);
  const keyTiles = tilesOf(batch.sequences, visibilityOf(table, 'keys'), shape);
  const ledger = ledgerOf(batch.sequences, table, queryTiles, keyTiles, shape);
  return {
    kind: 'sparse',
    shape,
    tokens: tags.length,
    lengths: checked,
    ...batch,
    table,
    queryTiles,
    keyTiles,
    ledger,
  };
}
