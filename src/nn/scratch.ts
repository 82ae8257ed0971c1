import type { Workspace } from '../gpu/buffers.js';
import type { BufferSlice } from '../gpu/pipelines.js';

/** A kernel's operand: a buffer, or a part of one. */
export type Tensor = GPUBuffer | BufferSlice;

/** Where a kernel's partial sums go between its two passes. Whoever comes next may overwrite them. */
export type Scratch = Workspace;

/** Rows that one invocation adds up in the first pass of a sum over rows. */
export const ROWS_PER_BLOCK = 32;

export function blocksOf(rows: number): number {
  return Math.ceil(rows / ROWS_PER_BLOCK);
}
