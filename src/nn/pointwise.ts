import { type Dropout, dropoutParameters } from '../base/random.js';
import type { Tensor } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';

/** Workgroups of 64 invocations, one vector each. */
function vectorGrid(recorder: Recorder, vectors: number) {
  return recorder.folded(Math.ceil(vectors / 64));
}

/** Records an activation of `length` numbers, a multiple of four. */
export function recordActivation(
  recorder: Recorder,
  kernel: 'layers/gelu_forward' | 'layers/tanh_forward' | 'layers/relu_forward',
  length: number,
  buffers: { input: Tensor; output: Tensor },
): void {
  const vectors = length / 4;
  recorder.dispatch({ kernel, buffers, parameters: { vectors }, grid: vectorGrid(recorder, vectors) });
}

/**
 * Records the backward pass of an activation of `length` numbers.
 * @param buffers `saved` is the input of GELU, but the output of tanh and ReLU.
 */
export function recordActivationBackward(
  recorder: Recorder,
  kernel: 'layers/gelu_backward' | 'layers/tanh_backward' | 'layers/relu_backward',
  length: number,
  { saved, outputGradient, inputGradient }: { saved: Tensor; outputGradient: Tensor; inputGradient: Tensor },
): void {
  const vectors = length / 4;
  recorder.dispatch({
    kernel,
    buffers: { saved, output_gradient: outputGradient, input_gradient: inputGradient },
    parameters: { vectors },
    grid: vectorGrid(recorder, vectors),
  });
}

/** Positions of rows in the caller's order. Dropout masks depend on them, not on the order of rows. */
export interface Positions {
  buffer: GPUBuffer;
  at: number;
}

/** Records output = drop(input). The backward pass is the same dropout of the gradient. */
export function recordDropout(
  recorder: Recorder,
  { rows, hidden }: { rows: number; hidden: number },
  dropout: Dropout | undefined,
  positions: Positions,
  { input, output }: { input: Tensor; output: Tensor },
): void {
  const width = hidden / 4;
  recorder.dispatch({
    kernel: 'layers/dropout',
    buffers: { input, positions: positions.buffer, output },
    parameters: { rows, width, positions_at: positions.at, ...dropoutParameters(dropout) },
    grid: vectorGrid(recorder, rows * width),
  });
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
