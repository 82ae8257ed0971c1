import type { Tensor } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Positions } from './row-dropout.js';

/** Workgroups of 64 invocations, one vector each. */
function vectorGrid(recorder: Recorder, vectors: number) {
  return recorder.folded(Math.ceil(vectors / 64));
}

/** In an index for `recordGather`: a row of zeros. */
export const NO_ROW = 0xffffffff;

/** Records output row i = input row index[i] for `rows` rows of `hidden` numbers; zeros for NO_ROW. */
export function recordGather(
  recorder: Recorder,
  { rows, hidden }: { rows: number; hidden: number },
  buffers: { input: Tensor; index: Positions; output: Tensor },
): void {
  const { input, index, output } = buffers;
  const width = hidden / 4;
  recorder.dispatch({
    kernel: 'layers/gather_rows',
    buffers: { input, index: index.buffer, output },
    parameters: { rows, width, index_at: index.at },
    grid: vectorGrid(recorder, rows * width),
  });
}
