import { type Dropout, dropoutParameters } from '../base/random.js';
import type { Tensor } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';

/** Workgroups of 64 invocations, one vector each. */
function vectorGrid(recorder: Recorder, vectors: number) {
  return recorder.folded(Math.ceil(vectors / 64));
}

/** Writes `output` from `input`, both `length` numbers, a multiple of four. */
export function recordActivation(
  recorder: Recorder,
  kernel: 'layers/gelu_forward' | 'layers/tanh_forward' | 'layers/relu_forward',
  length: number,
  buffers: { input: Tensor; output: Tensor },
): void {
  const vectors = length / 4;
  recorder.dispatch({ kernel, buffers, parameters: { vectors }, grid: vectorGrid(recorder, vectors) });
}

/** What the backward pass of an activation reads and writes. */
interface ActivationGradients {
  outputGradient: Tensor;
  inputGradient: Tensor;
}

function recordBackward(
  recorder: Recorder,
  kernel: 'layers/gelu_backward' | 'layers/tanh_backward' | 'layers/relu_backward',
  length: number,
  saved: Tensor,
  { outputGradient, inputGradient }: ActivationGradients,
): void {
  recorder.dispatch({
    kernel,
    buffers: { saved, output_gradient: outputGradient, input_gradient: inputGradient },
    parameters: { vectors: length / 4 },
    grid: vectorGrid(recorder, length / 4),
  });
}

/** Writes `inputGradient` from the activation's input and the gradient of its output. */
export function recordGeluBackward(
  recorder: Recorder,
  length: number,
  { input, ...gradients }: ActivationGradients & { input: Tensor },
): void {
  recordBackward(recorder, 'layers/gelu_backward', length, input, gradients);
}

/** Writes `inputGradient` from the activation's output and its gradient. */
export function recordBackwardOfOutput(
  recorder: Recorder,
  kernel: 'layers/tanh_backward' | 'layers/relu_backward',
  length: number,
  { output, ...gradients }: ActivationGradients & { output: Tensor },
): void {
  recordBackward(recorder, kernel, length, output, gradients);
}

/** Positions of rows in the caller's order: a dropout mask depends on them, and not on the order of rows. */
export interface Positions {
  buffer: GPUBuffer;
  at: number;
}

/**
 * Writes output = drop(input), or residual + drop(input) where there is a residual. The backward pass of a dropout is the
 * same dropout, of the gradient.
 */
export function recordDropout(
  recorder: Recorder,
  { rows, hidden }: { rows: number; hidden: number },
  dropout: Dropout | undefined,
  positions: Positions,
  buffers: { input: Tensor; residual?: Tensor; output: Tensor },
): void {
  const { input, residual, output } = buffers;
  const width = hidden / 4;
  recorder.dispatch({
    kernel: 'layers/dropout',
    buffers: { input, residual: residual ?? input, positions: positions.buffer, output },
    parameters: {
      rows,
      width,
      add: residual ? 1 : 0,
      positions_at: positions.at,
      ...dropoutParameters(dropout),
    },
    grid: vectorGrid(recorder, rows * width),
  });
}

/** In an index for `recordGather`: a row of zeros. */
export const NO_ROW = 0xffffffff;

/** Writes output row i = input row index[i], for `rows` rows of `hidden` numbers, or zeros for NO_ROW. */
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
