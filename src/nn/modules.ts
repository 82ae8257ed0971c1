import { type AddedBranch, recordLayerNorm, recordLayerNormBackward } from './layer-norm.js';
import { type LinearShape, recordLinear, recordLinearBackward } from './linear.js';
import { type DropoutSite, dropoutAt, type Pass } from './pass.js';
import { recordDropout } from './pointwise.js';

/** A linear layer of a model. */
export interface Linear {
  /** Its parameters' name without `.weight` and `.bias`. */
  name: string;
  shape: LinearShape;
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

/** Records output = linear(input). */
export function linearForward(
  pass: Pass,
  { name, shape }: Linear,
  input: GPUBuffer,
  output: GPUBuffer,
): void {
  const { recorder, parameters, workspace, precision } = pass;
  const { weight, bias } = parameters.affine(name);
  recordLinear(recorder, workspace, { ...shape, precision }, { input, weight, bias, output });
}

/**
 * Records the gradients of a linear layer's parameters and of its input.
 * @param input The input of `linearForward`.
 * @param add Whether the input's gradient is added to the content of `inputGradient`.
 */
export function linearBackward(
  pass: Pass,
  { name, shape }: Linear,
  input: GPUBuffer,
  outputGradient: GPUBuffer,
  inputGradient: GPUBuffer,
  add = false,
): void {
  const { recorder, parameters, workspace, precision } = pass;
  const gradient = parameters.affineGradient(name);
  const buffers = {
    input,
    weight: parameters.affine(name).weight,
    outputGradient,
    inputGradient,
    weightGradient: gradient.weight,
    biasGradient: gradient.bias,
  };
  recordLinearBackward(recorder, workspace, { ...shape, precision }, buffers, add);
}

/**
 * Records output = norm(input).
 * @param name Its parameters' name without `.weight` and `.bias`.
 * @param added Writes the input first.
 * @param rows Rows of the input; all tokens where left out.
 */
export function normForward(
  pass: Pass,
  name: string,
  activations: NormActivations,
  added?: AddedBranch,
  rows = pass.batch.tokens,
): void {
  const { recorder, config, parameters } = pass;
  const shape = { rows, hidden: config.hidden };
  const { input, output, statistics } = activations;
  const { weight, bias } = parameters.affine(name);
  const buffers = { input, output, statistics, weight, bias };
  recordLayerNorm(recorder, shape, config.normEpsilon, buffers, added);
}

/**
 * Records the gradients of a norm's parameters and of its input.
 * @param site Where the branch that was added to the input was dropped.
 * @param rows As of `normForward`.
 * @returns The gradient of that branch, in a buffer that later calls overwrite; or `inputGradient` where nothing was dropped.
 */
export function normBackward(
  pass: Pass,
  name: string,
  { input, statistics }: NormActivations,
  outputGradient: GPUBuffer,
  inputGradient: GPUBuffer,
  site?: { site: DropoutSite; layer: number },
  rows = pass.batch.tokens,
): GPUBuffer {
  const { recorder, config, parameters, batch, workspace } = pass;
  const shape = { rows, hidden: config.hidden };
  const gradient = parameters.affineGradient(name);
  const dropout = site && dropoutAt(pass, site.site, site.layer);
  const branchGradient = dropout
    ? workspace.floats('dropped gradient', batch.tokens * config.hidden)
    : inputGradient;
  const buffers = {
    input,
    weight: parameters.affine(name).weight,
    statistics,
    outputGradient,
    inputGradient,
    weightGradient: gradient.weight,
    biasGradient: gradient.bias,
  };
  const dropped = dropout && { dropout, positions: batch.positions, branchGradient };
  recordLayerNormBackward(recorder, workspace, shape, buffers, dropped);
  return branchGradient;
}

/**
 * Records the dropout of a site over all tokens. The backward pass is the same dropout of the gradient.
 * @returns The output, in the workspace's buffer `name`; or the input where nothing is dropped.
 */
export function tokenDropout(
  pass: Pass,
  site: DropoutSite,
  layer: number,
  input: GPUBuffer,
  name: string,
): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const dropout = dropoutAt(pass, site, layer);
  if (!dropout) return input;
  const output = workspace.floats(name, batch.tokens * config.hidden);
  const shape = { rows: batch.tokens, hidden: config.hidden };
  recordDropout(recorder, shape, dropout, batch.positions, { input, output });
  return output;
}
