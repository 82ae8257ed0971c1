import type { AttentionConfig } from '../attention/passes.js';
import { type ForwardBuffers, recordBackward, recordForward } from '../attention/record.js';
import type { Tensor } from '../gpu/buffers.js';
import { headDimOf } from './model-config.js';
import {
  type Linear,
  linearBackward,
  linearForward,
  type NormActivations,
  normBackward,
  normForward,
  outputOfLayer,
} from './modules.js';
import { type DropoutSite, dropoutAt, type Pass } from './pass.js';
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
  const linear = (parameters: readonly string[], inputs = hidden, outputs = hidden): Linear => {
    return { names: parameters, shape: { rows, inputs, outputs } };
  };
  return {
    queryKeyValue: linear([names.query, names.key, names.value]),
    attentionOutput: linear([names.attentionOutput]),
    intermediate: linear([names.intermediate], hidden, feedForward),
    output: linear([names.output], feedForward, hidden),
  };
}

function attentionShape(pass: Pass, layer: number): AttentionConfig {
  const headDim = headDimOf(pass.config);
  const dropout = dropoutAt(pass, 'attention', layer);
  return { heads: pass.config.heads, headDim, scale: 1 / Math.sqrt(headDim), layer, dropout };
}

/** A buffer for queries, keys and values of all tokens, and each of them. */
function queryKeyValue({ workspace }: Pass, name: string, { shape }: Linear) {
  const end = outputOfLayer(undefined as never, shape, 3).offset!;
  const buffer = workspace.floats(name, end / 4);
  const [query, key, value] = [0, 1, 2].map((layer) => outputOfLayer(buffer, shape, layer));
  return { buffer, query, key, value };
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
  /** norm(residual + drop(branch)) */
  const addAndNorm = (site: DropoutSite, name: string, branch: GPUBuffer, residual: GPUBuffer) => {
    const norm = {
      input: saved(`${site} sum`),
      output: saved(`${site} norm`),
      statistics: saved(`${site} statistics`, 2),
    };
    const dropout = dropoutAt(pass, site, layer);
    const added = { branch, residual, dropout, positions: batch.positions };
    normForward(pass, name, norm, { added });
    return norm;
  };

  const { buffer, ...projected } = queryKeyValue(
    pass,
    `layer ${layer} query, key, value`,
    linears.queryKeyValue,
  );
  linearForward(pass, linears.queryKeyValue, input, buffer);
  const attention = {
    ...projected,
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
  const gelu = { name: 'gelu', output: activated } as const;
  linearForward(pass, linears.intermediate, attentionNorm.output, intermediate, gelu);
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
  value: Tensor,
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

  /** The backward pass of `addAndNorm`: writes the residual's gradient, and gives the branch's. */
  const branchGradientOf = (
    site: DropoutSite,
    name: string,
    norm: NormActivations,
    gradient: GPUBuffer,
    residualGradient: GPUBuffer,
  ) => {
    const dropout = dropoutAt(pass, site, layer);
    const branchGradient = dropout ? gradientOf('dropped') : residualGradient;
    const dropped = dropout && { dropout, positions: batch.positions, branchGradient };
    normBackward(pass, name, norm, gradient, residualGradient, dropped);
    return branchGradient;
  };
  const residualGradient = gradientOf('feed-forward output sum');
  const droppedGradient = branchGradientOf(
    'feed-forward output',
    names.outputNorm,
    outputNorm,
    outputGradient,
    residualGradient,
  );
  const intermediateGradient = gradientOf('intermediate', config.feedForward);
  const activation = { name: 'gelu', input: saved.intermediate } as const;
  linearBackward(pass, linears.output, saved.activated, droppedGradient, intermediateGradient, {
    activation,
  });
  // The gradient through the linear layers is added to the gradient through the residual connection.
  const added = { add: true };
  const { intermediate } = linears;
  linearBackward(pass, intermediate, attentionNorm.output, intermediateGradient, residualGradient, added);

  const inputGradient = gradientOf('attention output sum');
  const attendedGradient = branchGradientOf(
    'attention output',
    names.attentionNorm,
    attentionNorm,
    residualGradient,
    inputGradient,
  );
  const contextGradient = gradientOf('context');
  linearBackward(pass, linears.attentionOutput, attention.output, attendedGradient, contextGradient);
  const gradients = queryKeyValue(pass, 'query, key, value gradient', linears.queryKeyValue);
  recordBackward(recorder, batch.plan, attentionShape(pass, layer), {
    outputGradient: contextGradient,
    queryGradient: gradients.query,
    keyGradient: gradients.key,
    valueGradient: gradients.value,
    biasGradient: attention.biasTable && parameters.gradient(names.tagBias),
    ...attention,
  });
  linearBackward(pass, linears.queryKeyValue, saved.input, gradients.buffer, inputGradient, added);
  return inputGradient;
}
