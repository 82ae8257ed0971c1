import type { BufferSlice } from '../gpu/pipelines.js';
import { type AddedBranch, recordLayerNorm, recordLayerNormBackward } from './layer-norm.js';
import { type Activation, type LinearBackwardOptions, recordLinear, recordLinearBackward } from './linear.js';
import type { LinearShape } from './linear-family.js';
import type { Pass } from './pass.js';
import type { RowDropout } from './row-dropout.js';

/** A linear layer of a model, or several that have the same input. */
export interface Linear {
  /** The names of the parameters of each, without `.weight` and `.bias`. */
  names: readonly string[];
  /** The shape of each. */
  shape: LinearShape;
}

/** The output of one of several layers in the buffer of all: parts of buffers start at multiples of 256 bytes. */
export function outputOfLayer(buffer: GPUBuffer, { rows, outputs }: LinearShape, layer: number): BufferSlice {
  const stride = 256 * Math.ceil((4 * rows * outputs) / 256);
  return { buffer, offset: layer * stride, size: 4 * rows * outputs };
}

/** Saved activations of a layer norm, over all tokens unless noted. */
export interface NormActivations {
  /** [tokens, hidden] */
  input: GPUBuffer;
  /** [tokens, 2] */
  statistics: GPUBuffer;
  /** [tokens, hidden] */
  output: GPUBuffer;
}

/**
 * The products of layers that have the same input: one of all where their parameters are adjacent and the kernels can, or one of each.
 */
function productsOf({ parameters, precision }: Pass, { names, shape }: Linear) {
  const together = shape.outputs % 64 === 0 ? parameters.joinedAffine(names) : undefined;
  const layers = together ? names.length : 1;
  const product = { ...shape, outputs: layers * shape.outputs, layers, precision };
  if (together) return [{ names, values: together, product, at: 0 }];
  return names.map((name, at) => ({ names: [name], values: parameters.affine(name), product, at }));
}

/**
 * Records output = linear(input).
 * @param output With several layers as `outputOfLayer` has them. @param activation Also writes drop(f(output)) to its `output`.
 */
export function linearForward(
  pass: Pass,
  linear: Linear,
  input: GPUBuffer,
  output: GPUBuffer,
  activation?: Activation & { output: GPUBuffer },
): void {
  const { recorder, workspace } = pass;
  const { names: all, shape } = linear;
  for (const { names, values, product, at } of productsOf(pass, linear)) {
    const to = all.length === names.length ? output : outputOfLayer(output, shape, at);
    recordLinear(recorder, workspace, product, { input, output: to, ...values }, activation);
  }
}

/**
 * Records the gradients of a linear layer's parameters and of its input.
 * @param input The input of `linearForward`. @param outputGradient As its `output`.
 */
export function linearBackward(
  pass: Pass,
  linear: Linear,
  input: GPUBuffer,
  outputGradient: GPUBuffer,
  inputGradient: GPUBuffer,
  { add, activation }: LinearBackwardOptions = {},
): void {
  const { recorder, parameters, workspace } = pass;
  const { names: all, shape } = linear;
  for (const { names, values, product, at } of productsOf(pass, linear)) {
    const gradient = parameters.joinedAffineGradient(names)!;
    const buffers = {
      input,
      weight: values.weight,
      outputGradient: all.length === names.length ? outputGradient : outputOfLayer(outputGradient, shape, at),
      inputGradient,
      weightGradient: gradient.weight,
      biasGradient: gradient.bias,
    };
    recordLinearBackward(recorder, workspace, product, buffers, { add: add || at > 0, activation });
  }
}

/**
 * Records output = norm(input).
 * @param name Its parameters' name without `.weight` and `.bias`.
 * @param added Writes the input first. @param dropped The dropout of the output, where nothing is added.
 * @param rows Rows of the input; all tokens by default.
 */
export function normForward(
  pass: Pass,
  name: string,
  activations: NormActivations,
  { added, dropped, rows = pass.batch.tokens }: { added?: AddedBranch; dropped?: RowDropout; rows?: number },
): void {
  const { recorder, config, parameters } = pass;
  const shape = { rows, hidden: config.hidden };
  const { input, output, statistics } = activations;
  const { weight, bias } = parameters.affine(name);
  const buffers = { input, output, statistics, weight, bias };
  recordLayerNorm(recorder, shape, config.normEpsilon, buffers, added, dropped);
}

/**
 * Records the gradients of a norm's parameters and of its input.
 * @param dropped The dropout of the forward pass: that of the branch, if its gradient is wanted, or that of the output.
 * @param rows As of `normForward`.
 */
export function normBackward(
  pass: Pass,
  name: string,
  { input, statistics }: NormActivations,
  outputGradient: GPUBuffer,
  inputGradient: GPUBuffer,
  dropped?: RowDropout & { branchGradient?: GPUBuffer },
  rows = pass.batch.tokens,
): void {
  const { recorder, config, parameters, workspace } = pass;
  const shape = { rows, hidden: config.hidden };
  const gradient = parameters.affineGradient(name);
  const buffers = {
    input,
    weight: parameters.affine(name).weight,
    statistics,
    outputGradient,
    inputGradient,
    weightGradient: gradient.weight,
    biasGradient: gradient.bias,
  };
  recordLayerNormBackward(recorder, workspace, shape, buffers, dropped);
}
