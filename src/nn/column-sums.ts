import type { Tensor, Workspace } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';

/** Rows that one invocation adds in the first pass of a sum over rows. */
export const ROWS_PER_BLOCK = 32;

export function blocksOf(rows: number): number {
  return Math.ceil(rows / ROWS_PER_BLOCK);
}

/** Columns `inputAt` to `inputAt + columns - 1` of an input [rows, stride]; stride is `columns` where left out. */
export interface ColumnSumsShape {
  rows: number;
  columns: number;
  stride?: number;
  inputAt?: number;
}

function recordPass(
  recorder: Recorder,
  { rows, columns, stride = columns, inputAt = 0 }: ColumnSumsShape,
  rowsPerBlock: number,
  input: Tensor,
  output: Tensor,
  outputAt: number,
): void {
  recorder.dispatch({
    kernel: 'layers/column_sums',
    buffers: { input, output },
    parameters: {
      rows,
      columns,
      row_stride: stride,
      rows_per_block: rowsPerBlock,
      input_at: inputAt,
      output_at: outputAt,
    },
    grid: recorder.foldedRows(Math.ceil(columns / 64), Math.ceil(rows / rowsPerBlock)),
  });
}

/** Records column sums to `output` [columns], from element `outputAt` on. @param scratch For partial sums between two passes. */
export function recordColumnSums(
  recorder: Recorder,
  scratch: Workspace,
  shape: ColumnSumsShape,
  input: Tensor,
  output: Tensor,
  outputAt = 0,
): void {
  const { rows, columns } = shape;
  if (rows <= ROWS_PER_BLOCK) {
    recordPass(recorder, shape, ROWS_PER_BLOCK, input, output, outputAt);
    return;
  }
  const blocks = blocksOf(rows);
  const partial = scratch.floats('column sums', blocks * columns);
  recordPass(recorder, shape, ROWS_PER_BLOCK, input, partial, 0);
  recordPass(recorder, { rows: blocks, columns }, blocks, partial, output, outputAt);
}
