import type { Tensor, Workspace } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';

/** Rows that one workgroup adds: more rows are added in two passes. */
const ROWS_PER_BLOCK = 512;

/** Where the sums of consecutive columns go. */
export interface SummedColumns {
  /** A multiple of four. */
  columns: number;
  output: Tensor;
}

/**
 * Records the column sums of `input`, [rows, columns of all parts], to one or two outputs.
 * @param scratch For partial sums between two passes.
 */
export function recordColumnSums(
  recorder: Recorder,
  scratch: Workspace,
  rows: number,
  input: Tensor,
  ...[first, second]: [SummedColumns, SummedColumns?]
): void {
  const columns = first.columns + (second?.columns ?? 0);
  const nothing = scratch.floats('nothing', 4);
  const width = columns / 4;
  const record = (blocks: number, parameters: Record<string, number>, buffers: Record<string, Tensor>) =>
    recorder.dispatch({
      kernel: 'layers/column_sums',
      buffers,
      parameters: { width, ...parameters },
      grid: recorder.foldedRows(Math.ceil(width / 4), blocks),
    });
  let [summands, summed] = [input, rows];
  if (rows > ROWS_PER_BLOCK) {
    summed = Math.ceil(rows / ROWS_PER_BLOCK);
    summands = scratch.floats('column sums', summed * columns);
    const blocks = { rows, first_width: width, rows_per_block: ROWS_PER_BLOCK };
    record(summed, blocks, { input, first: summands, second: nothing });
  }
  const all = { rows: summed, first_width: first.columns / 4, rows_per_block: summed };
  record(1, all, { input: summands, first: first.output, second: second?.output ?? nothing });
}
