import type { Tensor, Workspace } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { KernelConstants } from '../gpu/kernel.js';
import type { Recorder } from '../gpu/recorder.js';
import { recordColumnSums } from './column-sums.js';
import { type RowDropout, rowDropoutParameters } from './row-dropout.js';

export interface NormShape {
  rows: number;
  /** A multiple of four. */
  hidden: number;
}

/** Rows of a workgroup. */
const GROUP_ROWS = { forward: 8, backward: 32 };

/** The kernels for an adapter (kernels/layers/row_sum.wesl): with subgroups where available. */
function normFamily({ lanes }: Device): { family: 'wide' | 'subgroup'; constants: KernelConstants } {
  return lanes ? { family: 'subgroup', constants: { LANES: lanes } } : { family: 'wide', constants: {} };
}

/** The input of a norm: residual + drop(branch), each [rows, hidden]. */
export interface AddedBranch extends RowDropout {
  branch: Tensor;
  residual: Tensor;
}

/**
 * Records a layer norm to `output` [rows, hidden], with `statistics` [rows, 2] for the backward pass.
 * @param added Writes `input` first.
 * @param dropped The dropout of the output, where nothing is added.
 */
export function recordLayerNorm(
  recorder: Recorder,
  { rows, hidden }: NormShape,
  epsilon: number,
  buffers: { input: Tensor; weight: Tensor; bias: Tensor; output: Tensor; statistics: Tensor },
  added?: AddedBranch,
  dropped: RowDropout | undefined = added,
): void {
  const { family, constants } = normFamily(recorder.device);
  recorder.dispatch({
    kernel: `layers/${family}/layer_norm_forward`,
    constants,
    // Buffers must be bound even where they are not read.
    buffers: {
      branch: added?.branch ?? buffers.weight,
      residual: added?.residual ?? buffers.weight,
      positions: dropped?.positions.buffer ?? buffers.weight,
      ...buffers,
    },
    parameters: {
      rows,
      width: hidden / 4,
      epsilon,
      add: added ? 1 : 0,
      ...rowDropoutParameters(dropped),
    },
    grid: recorder.folded(Math.ceil(rows / GROUP_ROWS.forward)),
  });
}

/**
 * Records the backward pass to `inputGradient` [rows, hidden], `weightGradient` and `biasGradient` [hidden].
 * @param dropped The dropout of the forward pass: that of the branch, whose gradient goes to `branchGradient`, or without one
 *   that of the output.
 */
export function recordLayerNormBackward(
  recorder: Recorder,
  scratch: Workspace,
  { rows, hidden }: NormShape,
  buffers: {
    input: Tensor;
    weight: Tensor;
    statistics: Tensor;
    outputGradient: Tensor;
    inputGradient: Tensor;
    weightGradient: Tensor;
    biasGradient: Tensor;
  },
  dropped?: RowDropout & { branchGradient?: Tensor },
): void {
  const { input, weight, statistics, outputGradient, inputGradient } = buffers;
  const { family, constants } = normFamily(recorder.device);
  const groups = Math.ceil(rows / GROUP_ROWS.backward);
  const partialSums = scratch.floats('layer norm sums', groups * 2 * hidden);
  recorder.dispatch({
    kernel: `layers/${family}/layer_norm_backward`,
    constants,
    buffers: {
      input,
      weight,
      statistics,
      output_gradient: outputGradient,
      input_gradient: inputGradient,
      positions: dropped?.positions.buffer ?? weight,
      branch_gradient: dropped?.branchGradient ?? scratch.floats('nothing', 4),
      partial_sums: partialSums,
    },
    parameters: {
      rows,
      width: hidden / 4,
      drops_output: dropped && !dropped.branchGradient ? 1 : 0,
      ...rowDropoutParameters(dropped),
    },
    grid: recorder.folded(groups),
  });
  recordColumnSums(
    recorder,
    scratch,
    groups,
    partialSums,
    { columns: hidden, output: buffers.weightGradient },
    { columns: hidden, output: buffers.biasGradient },
  );
}
