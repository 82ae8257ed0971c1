import type { Device } from '../gpu/device.js';
import type { KernelConstants } from '../gpu/kernel.js';
import { fitsPanels, type PanelShape, recordPanels } from '../gpu/panels.js';
import type { Operand } from '../gpu/pipelines.js';
import type { Recorder } from '../gpu/recorder.js';
import { recordColumnSums } from './column-sums.js';
import type { Scratch, Tensor } from './scratch.js';

/** y = x Wᵀ + b over `rows` rows. `inputs` and `outputs` are multiples of four. */
export interface LinearShape {
  rows: number;
  inputs: number;
  outputs: number;
}

/** One of the two families of linear kernels, as an adapter and a shape want it. */
interface LinearFamily {
  name: 'wide' | 'subgroup';
  constants: KernelConstants;
  /** The tile of the product that a workgroup owns. */
  tileRows: number;
  tileColumns: number;
}

const WIDE_FAMILY: LinearFamily = { name: 'wide', constants: {}, tileRows: 64, tileColumns: 64 };

/** A matrix of `rows` x `width` numbers, as a texture holds it. */
function matrixShape(rows: number, width: number): PanelShape {
  return { rows, panels: 1, width, span: rows };
}

/** A linear layer as one family computes it: what it reads stands in buffers, or in textures that the family reads faster. */
class LinearRecorder {
  private readonly family: LinearFamily;

  constructor(
    private readonly recorder: Recorder,
    private readonly scratch: Scratch,
    private readonly shape: LinearShape,
  ) {
    const { device } = recorder;
    const { rows, inputs, outputs } = shape;
    const matrices = [matrixShape(rows, inputs), matrixShape(rows, outputs), matrixShape(outputs, inputs)];
    this.family =
      device.lanes && matrices.every((matrix) => fitsPanels(device, matrix))
        ? {
            name: 'subgroup',
            constants: { LANES: device.lanes },
            tileRows: 16,
            tileColumns: 8 * device.lanes,
          }
        : WIDE_FAMILY;
  }

  get isFused(): boolean {
    return this.family !== WIDE_FAMILY;
  }

  /** A matrix that a kernel reads: as it is, or its copy in a texture. */
  operand(matrix: Tensor, rows: number, width: number, role: string): Operand {
    if (this.family === WIDE_FAMILY) return matrix;
    const panels = this.scratch.panels(`${role} of ${width} columns`, matrixShape(rows, width));
    recordPanels(this.recorder, 'buffer' in matrix ? matrix : { buffer: matrix }, panels);
    return panels.texture;
  }

  dispatch(
    kernel: 'forward' | 'input_gradient' | 'weight_gradient',
    buffers: Record<string, Operand>,
    product: { rows: number; columns: number },
    parameters: Record<string, number> = {},
    depth = 1,
  ): void {
    const { name, constants, tileRows, tileColumns } = this.family;
    const [columns, rows] = [Math.ceil(product.columns / tileColumns), Math.ceil(product.rows / tileRows)];
    // Rows that a texture holds, and those of a weight, are never so many that they must be folded.
    const isFolded = this.family === WIDE_FAMILY && kernel !== 'weight_gradient';
    this.recorder.dispatch({
      kernel: `linear/${name}/${kernel}`,
      constants,
      buffers,
      parameters: { ...this.shape, ...parameters },
      grid: isFolded ? this.recorder.foldedRows(columns, rows) : [columns, rows, depth],
    });
  }
}

/** Workgroups of a weight's gradient that keep a GPU busy. */
const ENOUGH_WORKGROUPS = 256;
/** Rows of a share, at least, and the most shares: their sums are one pass of `recordColumnSums`. */
const ROWS_PER_SHARE = 64;
const MOST_SHARES = 32;

/** How many workgroups share out the rows of a tile of the weight's gradient; one but on real GPUs. */
function sharesOf({ isSoftware }: Device, { rows, inputs, outputs }: LinearShape): number {
  if (isSoftware) return 1;
  const { tileRows, tileColumns } = WIDE_FAMILY;
  const tiles = Math.ceil(inputs / tileColumns) * Math.ceil(outputs / tileRows);
  const wanted = Math.min(MOST_SHARES, Math.floor(ENOUGH_WORKGROUPS / tiles));
  return Math.max(1, Math.min(wanted, Math.floor(rows / ROWS_PER_SHARE)));
}

/** Writes `output` [rows, outputs] from `input` [rows, inputs], `weight` [outputs, inputs] and `bias` [outputs]. */
export function recordLinear(
  recorder: Recorder,
  scratch: Scratch,
  shape: LinearShape,
  { input, weight, bias, output }: { input: Tensor; weight: Tensor; bias: Tensor; output: Tensor },
): void {
  const { rows, inputs, outputs } = shape;
  const linear = new LinearRecorder(recorder, scratch, shape);
  const buffers = {
    input: linear.operand(input, rows, inputs, 'linear input'),
    weight: linear.operand(weight, outputs, inputs, 'linear weight'),
    bias,
    output,
  };
  linear.dispatch('forward', buffers, { rows, columns: outputs });
}

/** What the backward pass of a linear layer reads and writes. */
export interface LinearBackwardBuffers {
  /** [rows, inputs] */
  input: Tensor;
  /** [outputs, inputs] */
  weight: Tensor;
  /** [rows, outputs] */
  outputGradient: Tensor;
  inputGradient: Tensor;
  weightGradient: Tensor;
  /** [outputs] */
  biasGradient: Tensor;
}

/**
 * Writes the gradients of weight, bias and input.
 * @param add Whether the input's gradient is added to what stands in its buffer.
 */
export function recordLinearBackward(
  recorder: Recorder,
  scratch: Scratch,
  shape: LinearShape,
  buffers: LinearBackwardBuffers,
  add = false,
): void {
  const { rows, inputs, outputs } = shape;
  const linear = new LinearRecorder(recorder, scratch, shape);
  const outputGradient = linear.operand(buffers.outputGradient, rows, outputs, 'linear output gradient');
  const { isFused } = linear;
  const wanted = isFused ? 1 : sharesOf(recorder.device, shape);
  const rowsPerShare = Math.max(4, 4 * Math.ceil(rows / wanted / 4));
  const shares = Math.max(1, Math.ceil(rows / rowsPerShare));
  const weights = outputs * inputs;
  const sums = shares > 1 ? scratch.floats('shares of a weight gradient', shares * weights) : undefined;
  linear.dispatch(
    'weight_gradient',
    {
      output_gradient: outputGradient,
      input: linear.operand(buffers.input, rows, inputs, 'linear input'),
      weight_gradient: sums ?? buffers.weightGradient,
      ...(isFused && { bias_gradient: buffers.biasGradient }),
    },
    { rows: outputs, columns: inputs },
    isFused ? {} : { rows_per_share: rowsPerShare },
    shares,
  );
  if (sums)
    recordColumnSums(recorder, scratch, { rows: shares, columns: weights }, sums, buffers.weightGradient);
  if (!isFused) {
    const columns = { rows, columns: outputs };
    recordColumnSums(recorder, scratch, columns, buffers.outputGradient, buffers.biasGradient);
  }
  linear.dispatch(
    'input_gradient',
    {
      output_gradient: outputGradient,
      weight: linear.operand(buffers.weight, outputs, inputs, 'linear weight'),
      input_gradient: buffers.inputGradient,
    },
    { rows, columns: inputs },
    { add: add ? 1 : 0 },
  );
}
