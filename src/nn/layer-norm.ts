import { type Dropout, dropoutParameters } from '../base/random.js';
import type { Tensor, Workspace } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { KernelConstants } from '../gpu/kernel.js';
import type { BufferSlice } from '../gpu/pipelines.js';
import type { Recorder } from '../gpu/recorder.js';
import { blocksOf, ROWS_PER_BLOCK, recordColumnSums } from './column-sums.js';
import type { Positions } from './pointwise.js';

export interface NormShape {
  rows: number;
  /** A multiple of four. */
  hidden: number;
}

/** Rows of a workgroup. */
const GROUP_ROWS = 8;

/** The kernels for an adapter (kernels/layers/row_sum.wesl): with subgroups where available. */
function normFamily({ lanes }: Device): { family: 'wide' | 'subgroup'; constants: KernelConstants } {
  return lanes ? { family: 'subgroup', constants: { LANES: lanes } } : { family: 'wide', constants: {} };
}

/** Which numbers of the rows are dropped. */
interface RowDropout {
  dropout: Dropout | undefined;
  positions: Positions;
}

/** The input of a norm: residual + drop(branch), each [rows, hidden]. */
export interface AddedBranch extends RowDropout {
  branch: Tensor;
  residual: Tensor;
}

/**
 * Records a layer norm to `output` [rows, hidden], with `statistics` [rows, 2] for the backward pass.
 * @param added Writes `input` first.
 */
export function recordLayerNorm(
  recorder: Recorder,
  { rows, hidden }: NormShape,
  epsilon: number,
  buffers: { input: Tensor; weight: Tensor; bias: Tensor; output: Tensor; statistics: Tensor },
  added?: AddedBranch,
): void {
  const { family, constants } = normFamily(recorder.device);
  recorder.dispatch({
    kernel: `layers/${family}/layer_norm_forward`,
    constants,
    // Buffers must be bound even where they are not read.
    buffers: {
      branch: added?.branch ?? buffers.weight,
      residual: added?.residual ?? buffers.weight,
      positions: added?.positions.buffer ?? buffers.weight,
      ...buffers,
    },
    parameters: {
      rows,
      width: hidden / 4,
      epsilon,
      add: added ? 1 : 0,
      positions_at: added?.positions.at ?? 0,
      ...dropoutParameters(added?.dropout),
    },
    grid: recorder.folded(Math.ceil(rows / GROUP_ROWS)),
  });
}

/** Two parts of `bytes` bytes as one, where the second follows the first. */
function joined(first: Tensor, second: Tensor, bytes: number): BufferSlice | undefined {
  if (!('buffer' in first && 'buffer' in second) || first.buffer !== second.buffer) return undefined;
  const { buffer, offset = 0 } = first;
  return second.offset === offset + bytes ? { buffer, offset, size: 2 * bytes } : undefined;
}

/**
 * Records the backward pass to `inputGradient` [rows, hidden], `weightGradient` and `biasGradient` [hidden].
 * @param dropped Also writes the gradient of the branch of `AddedBranch`, with its dropout.
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
  dropped?: RowDropout & { branchGradient: Tensor },
): void {
  const { input, weight, statistics, outputGradient, inputGradient } = buffers;
  const width = hidden / 4;
  const { family, constants } = normFamily(recorder.device);
  recorder.dispatch({
    kernel: `layers/${family}/layer_norm_input_gradient`,
    constants,
    buffers: {
      input,
      weight,
      statistics,
      output_gradient: outputGradient,
      input_gradient: inputGradient,
      positions: dropped?.positions.buffer ?? weight,
      branch_gradient: dropped?.branchGradient ?? scratch.floats('nothing', 4),
    },
    parameters: {
      rows,
      width,
      positions_at: dropped?.positions.at ?? 0,
      ...dropoutParameters(dropped?.dropout),
    },
    grid: recorder.folded(Math.ceil(rows / GROUP_ROWS)),
  });
  const blocks = blocksOf(rows);
  const partial = scratch.floats('layer norm sums', blocks * 2 * hidden);
  recorder.dispatch({
    kernel: 'layers/layer_norm_weight_gradient',
    buffers: { input, output_gradient: outputGradient, statistics, partial },
    parameters: { rows, width, rows_per_block: ROWS_PER_BLOCK },
    grid: recorder.foldedRows(Math.ceil(width / 64), blocks),
  });
  const both = joined(buffers.weightGradient, buffers.biasGradient, 4 * hidden);
  const sums = { rows: blocks, columns: both ? 2 * hidden : hidden, stride: 2 * hidden };
  recordColumnSums(recorder, scratch, sums, partial, both ?? buffers.weightGradient);
  if (!both) recordColumnSums(recorder, scratch, { ...sums, inputAt: hidden }, partial, buffers.biasGradient);
}
