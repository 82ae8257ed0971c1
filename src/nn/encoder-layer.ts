import type { AttentionConfig } from '../attention/passes.js';
import { type ForwardBuffers, recordBackward, recordForward } from '../attention/record.js';
import { headDimOf } from './model-config.js';
import {
  type Linear,
  linearBackward,
  linearForward,
  type NormActivations,
  normBackward,
  normForward,
} from './modules.js';
import { type DropoutSite, dropoutAt, type Pass } from './pass.js';
import { recordActivation, recordActivationBackward } from './pointwise.js';
import { type LayerNames, tensorNames } from './tensor-names.js';

/** Saved activations of one encoder layer, each [tokens, hidden] unless noted. */
export interface LayerActivations {
  /** The layer, from 0. */
  layer: number;
  input: GPUBuffer;
  /** Its `output` is the context that the output projection reads. */
  attention: ForwardBuffers & { softmaxStatistics: GPUBuffer };
  attentionNorm: NormActivations;
  /** [tokens, feedForward], before GELU. */
  intermediate: GPUBuffer;
  /** [tokens, feedForward], after GELU. */
  activated: GPUBuffer;
  /** Its `output` is the layer's output. */
  outputNorm: NormActivations;
}

function namesOf({ config }: Pass, layer: number): LayerNames {
  return tensorNames(config.family).layer(layer);
}

function linearsOf(pass: Pass, layer: number) {
  const { hidden, feedForward } = pass.config;
  const names = namesOf(pass, layer);
  const rows = pass.batch.tokens;
  const linear = (name: string, inputs = hidden, outputs = hidden): Linear => {
    return { name, shape: { rows, inputs, outputs } };
  };
  return {
    query: linear(names.query),
    key: linear(names.key),
    value: linear(names.value),
    attentionOutput: linear(names.attentionOutput),
    intermediate: linear(names.intermediate, hidden, feedForward),
    output: linear(names.output, feedForward, hidden),
  };
}

function attentionShape(pass: Pass, layer: number): AttentionConfig {
  const headDim = headDimOf(pass.config);
  const dropout = dropoutAt(pass, 'attention', layer);
  return { heads: pass.config.heads, headDim, scale: 1 / Math.sqrt(headDim), layer, dropout };
}

/**
 * Records the forward pass of one post-norm layer of BERT or DistilBERT (which has no first dropout):
 *
 *     a = norm(x + drop(dense(attention(x))))      y = norm(a + drop(dense(gelu(dense(a)))))
 *
 * @param input [tokens, hidden]
 */
export function recordLayer(pass: Pass, layer: number, input: GPUBuffer): LayerActivations {
  const { recorder, config, workspace, batch, parameters } = pass;
  const { hidden, heads, feedForward } = config;
  const names = namesOf(pass, layer);
  const linears = linearsOf(pass, layer);
  const saved = (name: string, width = hidden) =>
    workspace.floats(`layer ${layer} ${name}`, batch.tokens * width);
  const projected = (name: 'query' | 'key' | 'value') => {
    const output = saved(name);
    linearForward(pass, linears[name], input, output);
    return output;
  };
  /** norm(residual + drop(branch)) */
  const addAndNorm = (site: DropoutSite, name: string, branch: GPUBuffer, residual: GPUBuffer) => {
    const norm = {
      input: saved(`${site} sum`),
      output: saved(`${site} norm`),
      statistics: saved(`${site} statistics`, 2),
    };
    const dropout = dropoutAt(pass, site, layer);
    normForward(pass, name, norm, { branch, residual, dropout, positions: batch.positions });
    return norm;
  };

  const attention = {
    query: projected('query'),
    key: projected('key'),
    value: projected('value'),
    output: saved('context'),
    logSumExp: saved('log-sum-exp', heads),
    softmaxStatistics: saved('softmax statistics', 2 * heads),
    biasTable: batch.plan.isLearned ? parameters.slice(names.tagBias) : undefined,
  };
  recordForward(recorder, batch.plan, attentionShape(pass, layer), attention);
  const attentionOutput = workspace.floats('attention output', batch.tokens * hidden);
  linearForward(pass, linears.attentionOutput, attention.output, attentionOutput);
  const attentionNorm = addAndNorm('attention output', names.attentionNorm, attentionOutput, input);

  const intermediate = saved('intermediate', feedForward);
  const activated = saved('activated', feedForward);
  linearForward(pass, linears.intermediate, attentionNorm.output, intermediate);
  recordActivation(recorder, 'layers/gelu_forward', batch.tokens * feedForward, {
    input: intermediate,
    output: activated,
  });
  const output = workspace.floats('feed-forward output', batch.tokens * hidden);
  linearForward(pass, linears.output, activated, output);
  const outputNorm = addAndNorm('feed-forward output', names.outputNorm, output, attentionNorm.output);
  return { layer, input, attention, attentionNorm, intermediate, activated, outputNorm };
}

/**
 * Records, after the forward pass, this layer's attention over other values.
 * @param value [tokens, hidden], like `output`.
 */
export function recordAttentionTo(
  pass: Pass,
  { layer, attention }: LayerActivations,
  value: GPUBuffer,
  output: GPUBuffer,
): void {
  const shape = attentionShape(pass, layer);
  recordForward(pass.recorder, pass.batch.plan, shape, { ...attention, value, output });
}

/**
 * Records the backward pass: the gradients of the layer's parameters and of its input.
 * @returns The input's gradient, [tokens, hidden], in a buffer that the previous layer's backward pass overwrites.
 */
export function recordLayerBackward(
  pass: Pass,
  saved: LayerActivations,
  outputGradient: GPUBuffer,
): GPUBuffer {
  const { recorder, config, workspace, batch, parameters } = pass;
  const { layer, attention, attentionNorm, outputNorm } = saved;
  const names = namesOf(pass, layer);
  const linears = linearsOf(pass, layer);
  const gradientOf = (name: string, width = config.hidden) =>
    workspace.floats(`${name} gradient`, batch.tokens * width);

  const residualGradient = gradientOf('feed-forward output sum');
  const droppedGradient = normBackward(pass, names.outputNorm, outputNorm, outputGradient, residualGradient, {
    site: 'feed-forward output',
    layer,
  });
  const activatedGradient = gradientOf('activated', config.feedForward);
  const intermediateGradient = gradientOf('intermediate', config.feedForward);
  linearBackward(pass, linears.output, saved.activated, droppedGradient, activatedGradient);
  recordActivationBackward(recorder, 'layers/gelu_backward', batch.tokens * config.feedForward, {
    saved: saved.intermediate,
    outputGradient: activatedGradient,
    inputGradient: intermediateGradient,
  });
  // The gradient through the linear layers is added to the gradient through the residual connection.
  linearBackward(
    pass,
    linears.intermediate,
    attentionNorm.output,
    intermediateGradient,
    residualGradient,
    true,
  );

  const inputGradient = gradientOf('attention output sum');
  const attendedGradient = normBackward(
    pass,
    names.attentionNorm,
    attentionNorm,
    residualGradient,
    inputGradient,
    { site: 'attention output', layer },
  );
  const contextGradient = gradientOf('context');
  linearBackward(pass, linears.attentionOutput, attention.output, attendedGradient, contextGradient);
  const gradients = { query: gradientOf('query'), key: gradientOf('key'), value: gradientOf('value') };
  recordBackward(recorder, batch.plan, attentionShape(pass, layer), {
    outputGradient: contextGradient,
    queryGradient: gradients.query,
    keyGradient: gradients.key,
    valueGradient: gradients.value,
    biasGradient: attention.biasTable && parameters.gradient(names.tagBias),
    ...attention,
  });
  for (const part of ['query', 'key', 'value'] as const)
    linearBackward(pass, linears[part], saved.input, gradients[part], inputGradient, true);
  return inputGradient;
}
