import type { Precision } from '../base/precision.js';
import type { Tensor, Workspace } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { KernelConstants, KernelName } from '../gpu/kernel.js';
import { fitsPanels, type PanelShape, recordPanels } from '../gpu/panels.js';
import type { Operand } from '../gpu/pipelines.js';
import type { Recorder } from '../gpu/recorder.js';
import { matrixConstants } from '../gpu/subgroup-matrices.js';
import { recordColumnSums } from './column-sums.js';

/** y = x Wᵀ + b over `rows` rows. `inputs` and `outputs` are multiples of four. */
export interface LinearShape {
  rows: number;
  inputs: number;
  outputs: number;
  /** f32 where left out. For f16 the device must have been opened. */
  precision?: Precision;
}

type LinearPass = 'forward' | 'input_gradient' | 'weight_gradient';

/** A family of linear kernels (kernels/linear/) for an adapter and a shape. */
interface LinearFamily {
  kernels: Readonly<Record<LinearPass, KernelName>>;
  /** The tile of the product that a workgroup computes. */
  tileRows: number;
  tileColumns: number;
  /** Whether it reads matrices from textures. Their sizes always fit a dimension of a grid. */
  readsTextures: boolean;
  /** Whether the weight's gradient kernel also sums the bias's gradient. */
  sumsBias: boolean;
  /** Whether several workgroups may share the rows of a tile of the weight's gradient. */
  sharesRows: boolean;
}

/** Names that are made once: a name is compared for every dispatch. */
function kernelsOf(name: 'wide' | 'subgroup' | 'matrix'): LinearFamily['kernels'] {
  return {
    forward: `linear/${name}/forward`,
    input_gradient: `linear/${name}/input_gradient`,
    weight_gradient: `linear/${name}/weight_gradient`,
  };
}

const WIDE_FAMILY: LinearFamily = {
  kernels: kernelsOf('wide'),
  tileRows: 64,
  tileColumns: 64,
  readsTextures: false,
  sumsBias: true,
  sharesRows: true,
};

/** Operands are rounded to f16: products are of subgroup matrices. */
const MATRIX_FAMILY: LinearFamily = { ...WIDE_FAMILY, kernels: kernelsOf('matrix'), sumsBias: false };

const SUBGROUP_FAMILY: Omit<LinearFamily, 'tileColumns'> = {
  kernels: kernelsOf('subgroup'),
  tileRows: 16,
  readsTextures: true,
  sumsBias: true,
  sharesRows: false,
};

/** The texture's shape of a matrix of `rows` x `width` numbers. */
function matrixShape(rows: number, width: number): PanelShape {
  return { rows, panels: 1, width, span: rows };
}

/** The family for a layer: in f32 with subgroups where available, if the matrices fit textures. */
function linearFamily(device: Device, { rows, inputs, outputs, precision }: LinearShape): LinearFamily {
  const { lanes } = device;
  if (precision === 'f16') return MATRIX_FAMILY;
  const matrices = [matrixShape(rows, inputs), matrixShape(rows, outputs), matrixShape(outputs, inputs)];
  if (!lanes || !matrices.every((matrix) => fitsPanels(device, matrix))) return WIDE_FAMILY;
  return { ...SUBGROUP_FAMILY, tileColumns: 8 * lanes };
}

/** Constants of a linear kernel, as a device runs it; none of any other. */
export function linearConstants(
  { lanes, hasManyRegisters, matrices }: Device,
  kernel: KernelName,
): KernelConstants {
  if (matrices && kernel.startsWith('linear/matrix/')) return matrixConstants(matrices);
  if (lanes && kernel.startsWith('linear/subgroup/')) return { LANES: lanes };
  return hasManyRegisters && kernel === 'linear/wide/weight_gradient' ? { TOGETHER: 4 } : {};
}

/** Records a linear layer with one family of kernels. */
class LinearRecorder {
  readonly family: LinearFamily;

  constructor(
    private readonly recorder: Recorder,
    private readonly scratch: Workspace,
    private readonly shape: LinearShape,
  ) {
    this.family = linearFamily(recorder.device, shape);
  }

  /** A matrix as a kernel's operand: the buffer, or a copy in a texture. */
  operand(matrix: Tensor, rows: number, width: number, role: string): Operand {
    if (!this.family.readsTextures) return matrix;
    const panels = this.scratch.panels(`${role} of ${width} columns`, matrixShape(rows, width));
    recordPanels(this.recorder, 'buffer' in matrix ? matrix : { buffer: matrix }, panels);
    return panels.texture;
  }

  /** The number of workgroups that divide the rows of a tile of the weight's gradient; 1 on software adapters. */
  get shares(): number {
    const { rows, inputs, outputs } = this.shape;
    const { tileRows, tileColumns, sharesRows } = this.family;
    if (!sharesRows || this.recorder.device.isSoftware) return 1;
    const tiles = Math.ceil(inputs / tileColumns) * Math.ceil(outputs / tileRows);
    const wanted = Math.min(MOST_SHARES, Math.floor(ENOUGH_WORKGROUPS / tiles));
    return Math.max(1, Math.min(wanted, Math.floor(rows / ROWS_PER_SHARE)));
  }

  /** @param buffers The product's operands `a` and `b`, and its output. */
  dispatch(
    pass: LinearPass,
    buffers: Record<string, Operand>,
    product: { rows: number; columns: number },
    parameters: { add?: number; rows_per_share?: number } = {},
    depth = 1,
  ): void {
    const { kernels, tileRows, tileColumns, readsTextures } = this.family;
    const { rows: all, inputs, outputs } = this.shape;
    const { add = 0, rows_per_share = 0 } = parameters;
    const kernel = kernels[pass];
    const [columns, rows] = [Math.ceil(product.columns / tileColumns), Math.ceil(product.rows / tileRows)];
    // The grid of a weight always fits.
    const isFolded = !readsTextures && pass !== 'weight_gradient';
    this.recorder.dispatch({
      kernel,
      constants: linearConstants(this.recorder.device, kernel),
      buffers,
      parameters: { rows: all, inputs, outputs, add, rows_per_share },
      grid: isFolded ? this.recorder.foldedRows(columns, rows) : [columns, rows, depth],
    });
  }
}

/** Workgroups of a weight's gradient that suffice to use a whole GPU. */
const ENOUGH_WORKGROUPS = 256;
/** The fewest rows of a share, and the most shares: one pass of `recordColumnSums` adds them. */
const ROWS_PER_SHARE = 64;
const MOST_SHARES = 32;

/** Records `output` [rows, outputs] from `input` [rows, inputs], `weight` [outputs, inputs] and `bias` [outputs]. */
export function recordLinear(
  recorder: Recorder,
  scratch: Workspace,
  shape: LinearShape,
  { input, weight, bias, output }: { input: Tensor; weight: Tensor; bias: Tensor; output: Tensor },
): void {
  const { rows, inputs, outputs } = shape;
  const linear = new LinearRecorder(recorder, scratch, shape);
  const buffers = {
    a: linear.operand(input, rows, inputs, 'linear input'),
    b: linear.operand(weight, outputs, inputs, 'linear weight'),
    bias,
    output,
  };
  linear.dispatch('forward', buffers, { rows, columns: outputs });
}

/** The buffers of a linear layer's backward pass. */
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
 * Records the gradients of weight, bias and input.
 * @param add Whether the input's gradient is added to the buffer's content.
 */
export function recordLinearBackward(
  recorder: Recorder,
  scratch: Workspace,
  shape: LinearShape,
  buffers: LinearBackwardBuffers,
  add = false,
): void {
  const { rows, inputs, outputs } = shape;
  const linear = new LinearRecorder(recorder, scratch, shape);
  const outputGradient = linear.operand(buffers.outputGradient, rows, outputs, 'linear output gradient');
  const { sumsBias } = linear.family;
  const rowsPerShare = Math.max(4, 4 * Math.ceil(rows / linear.shares / 4));
  const shares = Math.max(1, Math.ceil(rows / rowsPerShare));
  const weights = outputs * inputs;
  const isShared = shares > 1;
  const sums = isShared ? scratch.floats('shares of a weight gradient', shares * weights) : undefined;
  const biasSums =
    isShared && sumsBias ? scratch.floats('shares of a bias gradient', shares * outputs) : undefined;
  linear.dispatch(
    'weight_gradient',
    {
      a: outputGradient,
      b: linear.operand(buffers.input, rows, inputs, 'linear input'),
      weight_gradient: sums ?? buffers.weightGradient,
      ...(sumsBias && { bias_gradient: biasSums ?? buffers.biasGradient }),
    },
    { rows: outputs, columns: inputs },
    { rows_per_share: rowsPerShare },
    shares,
  );
  if (sums)
    recordColumnSums(recorder, scratch, { rows: shares, columns: weights }, sums, buffers.weightGradient);
  const [summands, summed] = biasSums ? [biasSums, shares] : [buffers.outputGradient, rows];
  if (biasSums || !sumsBias)
    recordColumnSums(recorder, scratch, { rows: summed, columns: outputs }, summands, buffers.biasGradient);
  linear.dispatch(
    'input_gradient',
    {
      a: outputGradient,
      b: linear.operand(buffers.weight, outputs, inputs, 'linear weight'),
      input_gradient: buffers.inputGradient,
    },
    { rows, columns: inputs },
    { add: add ? 1 : 0 },
  );
}
