import { type Dropout, dropoutParameters } from '../base/random.js';

/** Positions of rows in the caller's order. Dropout masks depend on them, not on the order of rows. */
export interface Positions {
  buffer: GPUBuffer;
  at: number;
}

/** Which numbers of the rows are dropped. */
export interface RowDropout {
  dropout: Dropout | undefined;
  positions: Positions;
}

/** The parameters of a kernel that drops numbers of rows; of one that drops nothing where `dropped` is left out. */
export function rowDropoutParameters(dropped: RowDropout | undefined) {
  return { positions_at: dropped?.positions.at ?? 0, ...dropoutParameters(dropped?.dropout) };
}
