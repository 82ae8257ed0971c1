import { asSlice, type Tensor, type Workspace } from '../gpu/buffers.js';
import { recordPanels } from '../gpu/panels.js';
import type { BufferSlice, Operand } from '../gpu/pipelines.js';
import type { Recorder } from '../gpu/recorder.js';
import { recordColumnSums } from './column-sums.js';
import {
  type LinearFamily,
  type LinearPass,
  type LinearShape,
  linearConstants,
  linearFamily,
  matrixShape,
} from './linear-family.js';
import { type RowDropout, rowDropoutParameters } from './row-dropout.js';

/** What follows a layer: drop(f(y)). */
export interface Activation {
  /** f, in its exact form. */
  name: 'gelu' | 'tanh' | 'relu';
  dropped?: RowDropout;
}

/** The numbers of activations in kernels/linear/activation.wesl: a constant, since kernels with all of them in one text are slower. */
const ACTIVATIONS = { gelu: 1, tanh: 2, relu: 3 };

interface PassParameters {
  add?: number;
  rows_per_share?: number;
  share_stride?: number;
}

function linearParameters(
  { rows, inputs, outputs, layers = 1 }: LinearShape,
  { add = 0, rows_per_share = 0, share_stride = 0 }: PassParameters,
  dropped?: RowDropout,
): Record<string, number> {
  return {
    rows,
    inputs,
    outputs,
    layer_outputs: outputs / layers,
    add,
    rows_per_share,
    share_stride,
    ...rowDropoutParameters(dropped),
  };
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
    recordPanels(this.recorder, asSlice(matrix), panels);
    return panels.texture;
  }

  /** The gradient of y as an operand: in a texture, the matrices of all layers are side by side. */
  outputGradient(gradient: Tensor): Operand {
    const { rows, outputs, layers = 1 } = this.shape;
    const role = 'linear output gradient';
    if (layers === 1 || !this.family.readsTextures) return this.operand(gradient, rows, outputs, role);
    const { texture } = this.scratch.panels(`${role} of ${outputs} columns`, matrixShape(rows, outputs));
    const { buffer, offset = 0 } = asSlice(gradient);
    const width = outputs / layers;
    for (let layer = 0; layer < layers; layer++) {
      const from = { buffer, offset: offset + 4 * layer * rows * width };
      const origin = { x: (layer * width) / 4 };
      this.recorder.copyToTexture(from, 4 * width, texture, origin, { width: width / 4, height: rows });
    }
    return texture;
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
    { shares = 1, ...product }: { rows: number; columns: number; shares?: number },
    parameters: PassParameters = {},
    activation?: Activation,
  ): void {
    const { kernels, tileRows, tileColumns, readsTextures } = this.family;
    const kernel = kernels[pass];
    const [columns, rows] = [Math.ceil(product.columns / tileColumns), Math.ceil(product.rows / tileRows)];
    // The grid of a weight always fits.
    const isFolded = !readsTextures && pass !== 'weight_gradient';
    this.recorder.dispatch({
      kernel,
      constants: {
        ...linearConstants(this.recorder.device, kernel),
        ...(activation && { ACTIVATION: ACTIVATIONS[activation.name] }),
      },
      buffers,
      parameters: linearParameters(this.shape, parameters, activation?.dropped),
      grid: isFolded ? this.recorder.foldedRows(columns, rows) : [columns, rows, shares],
    });
  }
}

/** Workgroups of a weight's gradient that suffice to use a whole GPU. */
const ENOUGH_WORKGROUPS = 256;
/** The fewest rows of a share, and the most shares: one pass of `recordColumnSums` adds them. */
const ROWS_PER_SHARE = 64;
const MOST_SHARES = 32;

/**
 * Records `output`, [rows, outputs], from `input` [rows, inputs], `weight` [outputs, inputs] and `bias` [outputs].
 * @param activation Also writes drop(f(output)) to its `output`.
 */
export function recordLinear(
  recorder: Recorder,
  scratch: Workspace,
  shape: LinearShape,
  { input, weight, bias, output }: { input: Tensor; weight: Tensor; bias: Tensor; output: Tensor },
  activation?: Activation & { output: Tensor },
): void {
  const { rows, inputs, outputs } = shape;
  const linear = new LinearRecorder(recorder, scratch, shape);
  const buffers = {
    a: linear.operand(input, rows, inputs, 'linear input'),
    b: linear.operand(weight, outputs, inputs, 'linear weight'),
    bias,
    output,
    activated: activation?.output ?? scratch.floats('nothing', 4),
    positions: activation?.dropped?.positions.buffer ?? bias,
  };
  linear.dispatch('forward', buffers, { rows, columns: outputs }, {}, activation);
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

export interface LinearBackwardOptions {
  /** Whether the input's gradient is added to the buffer's content. */
  add?: boolean;
  /** Where the layer's input is drop(f(z)): `input` is z, whose gradient is written instead. */
  activation?: Activation & { input: Tensor };
}

/** Records the gradients of weight, bias and input. */
export function recordLinearBackward(
  recorder: Recorder,
  scratch: Workspace,
  shape: LinearShape,
  buffers: LinearBackwardBuffers,
  { add = false, activation }: LinearBackwardOptions = {},
): void {
  const { rows, inputs, outputs } = shape;
  const linear = new LinearRecorder(recorder, scratch, shape);
  const outputGradient = linear.outputGradient(buffers.outputGradient);
  recordWeightGradient(recorder, scratch, linear, shape, buffers, outputGradient);
  linear.dispatch(
    'input_gradient',
    {
      a: outputGradient,
      b: linear.operand(buffers.weight, outputs, inputs, 'linear weight'),
      input_gradient: buffers.inputGradient,
      // Buffers must be bound even where they are not read.
      before_activation: activation?.input ?? buffers.weight,
      positions: activation?.dropped?.positions.buffer ?? buffers.weight,
    },
    { rows, columns: inputs },
    { add: add ? 1 : 0 },
    activation,
  );
}

/** Records the gradients of weight and bias. @param gradient The output's, as the kernels read it. */
function recordWeightGradient(
  recorder: Recorder,
  scratch: Workspace,
  linear: LinearRecorder,
  { rows, inputs, outputs, layers = 1 }: LinearShape,
  { input, outputGradient, weightGradient, biasGradient }: LinearBackwardBuffers,
  gradient: Operand,
): void {
  const { sumsBias } = linear.family;
  const rowsPerShare = Math.max(4, 4 * Math.ceil(rows / linear.shares / 4));
  const shares = Math.max(1, Math.ceil(rows / rowsPerShare));
  const weights = outputs * inputs;
  const numbers = sumsBias ? weights + outputs : weights;
  const sums = shares > 1 ? scratch.floats('shares of a weight gradient', shares * numbers) : undefined;
  linear.dispatch(
    'weight_gradient',
    {
      a: gradient,
      b: linear.operand(input, rows, inputs, 'linear input'),
      weight_gradient: sums ?? weightGradient,
      ...(sumsBias && { bias_gradient: biasGradient }),
    },
    { rows: outputs, columns: inputs, shares },
    { rows_per_share: rowsPerShare, share_stride: sums ? numbers / 4 : 0 },
  );
  const toBias = { columns: outputs, output: biasGradient };
  const toWeight = { columns: weights, output: weightGradient };
  if (sums) recordColumnSums(recorder, scratch, shares, sums, toWeight, ...(sumsBias ? [toBias] : []));
  if (sumsBias) return;
  const width = outputs / layers;
  for (let layer = 0; layer < layers; layer++) {
    const part = (tensor: Tensor, floats: number): BufferSlice => {
      const { buffer, offset = 0 } = asSlice(tensor);
      return { buffer, offset: offset + 4 * layer * floats, size: 4 * floats };
    };
    const output = part(biasGradient, width);
    recordColumnSums(recorder, scratch, rows, part(outputGradient, rows * width), { columns: width, output });
  }
}

/** Records the gradient of z, [rows, width], from that of f(z), where this is not the input of a linear layer. */
export function recordActivationGradient(
  recorder: Recorder,
  { rows, width }: { rows: number; width: number },
  { name, input }: { name: Activation['name']; input: Tensor },
  outputGradient: Tensor,
  inputGradient: Tensor,
): void {
  recorder.dispatch({
    kernel: 'linear/activation_gradient',
    constants: { ACTIVATION: ACTIVATIONS[name] },
    buffers: {
      output_gradient: outputGradient,
      before_activation: input,
      input_gradient: inputGradient,
    },
    parameters: linearParameters({ rows, inputs: width, outputs: width }, {}),
    grid: recorder.folded(Math.ceil((rows * width) / 256)),
  });
}
