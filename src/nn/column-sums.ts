import type { Recorder } from '../gpu/recorder.js';
import { blocksOf, ROWS_PER_BLOCK, type Scratch, type Tensor } from './scratch.js';

/** Sums `columns` columns, from `inputAt` on, of an input [rows, stride]; stride is `columns` where left out. */
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

/** Writes the sums to `output` [columns], from number `outputAt` on. */
export function recordColumnSums(
  recorder: Recorder,
  scratch: Scratch,
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
