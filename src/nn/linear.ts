import type { Device } from '../gpu/device.js';
import type { KernelConstants } from '../gpu/kernel.js';
import type { Grid, Recorder } from '../gpu/recorder.js';
import { recordColumnSums } from './column-sums.js';
import type { Scratch, Tensor } from './scratch.js';

/** y = x Wᵀ + b over `rows` rows. `inputs` and `outputs` are multiples of four. */
export interface LinearShape {
  rows: number;
  inputs: number;
  outputs: number;
}

/** One of the two families of linear kernels, as an adapter wants it, and the tile of the product that a workgroup owns. */
interface LinearFamily {
  suffix: '' | '_subgroup';
  constants: KernelConstants;
  tileRows: number;
  tileColumns: number;
}

/** Subgroups where they may be used; else a tile of registers an invocation. */
function linearFamily(device: Device): LinearFamily {
  const { lanes } = device;
  if (lanes)
    return { suffix: '_subgroup', constants: { LANES: lanes }, tileRows: 16, tileColumns: 4 * lanes };
  return { suffix: '', constants: {}, tileRows: 64, tileColumns: 64 };
}

/** Workgroups for a product of `rows` x `columns`. */
function gridOf({ tileRows, tileColumns }: LinearFamily, columns: number, rows: number): Grid {
  return [Math.ceil(columns / tileColumns), Math.ceil(rows / tileRows)];
}

/** Writes `output` [rows, outputs] from `input` [rows, inputs], `weight` [outputs, inputs] and `bias` [outputs]. */
export function recordLinear(
  recorder: Recorder,
  shape: LinearShape,
  buffers: { input: Tensor; weight: Tensor; bias: Tensor; output: Tensor },
): void {
  const family = linearFamily(recorder.device);
  recorder.dispatch({
    kernel: `linear_forward${family.suffix}`,
    constants: family.constants,
    buffers,
    parameters: { ...shape },
    grid: gridOf(family, shape.outputs, shape.rows),
  });
}

/** Writes `inputGradient` [rows, inputs], or adds to it. */
export function recordLinearInputGradient(
  recorder: Recorder,
  shape: LinearShape,
  buffers: { weight: Tensor; outputGradient: Tensor; inputGradient: Tensor },
  add = false,
): void {
  const family = linearFamily(recorder.device);
  recorder.dispatch({
    kernel: `linear_input_gradient${family.suffix}`,
    constants: family.constants,
    buffers: {
      output_gradient: buffers.outputGradient,
      weight: buffers.weight,
      input_gradient: buffers.inputGradient,
    },
    parameters: { ...shape, add: add ? 1 : 0 },
    grid: gridOf(family, shape.inputs, shape.rows),
  });
}

/** Writes `weightGradient` [outputs, inputs] and `biasGradient` [outputs]. */
export function recordLinearWeightGradient(
  recorder: Recorder,
  scratch: Scratch,
  shape: LinearShape,
  buffers: { input: Tensor; outputGradient: Tensor; weightGradient: Tensor; biasGradient: Tensor },
): void {
  const family = linearFamily(recorder.device);
  recorder.dispatch({
    kernel: `linear_weight_gradient${family.suffix}`,
    constants: family.constants,
    buffers: {
      output_gradient: buffers.outputGradient,
      input: buffers.input,
      weight_gradient: buffers.weightGradient,
    },
    parameters: { ...shape },
    grid: gridOf(family, shape.inputs, shape.outputs),
  });
  const { rows, outputs } = shape;
  recordColumnSums(
    recorder,
    scratch,
    { rows, columns: outputs },
    buffers.outputGradient,
    buffers.biasGradient,
  );
}
