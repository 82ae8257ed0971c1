import { readFloats, readManyFloats } from '../gpu/buffers.js';
import type { HeadLayout, Layout } from '../plan/layout.js';
import { pairBiases } from '../plan/pair-biases.js';
import type { LayerActivations } from './encoder-layer.js';
import { headDimOf } from './model-config.js';
import type { Pass } from './pass.js';
import { tensorNames } from './tensor-names.js';

/** Saved activations of one layer's attention on the host, in the layout's order. */
interface HostAttention {
  /** [tokens, heads, headDim] */
  query: Float32Array;
  key: Float32Array;
  /** [tokens, heads, 2]: row maxima m and log l. */
  softmaxStatistics: Float32Array;
  /** [heads, tags, tags], where biases are learned. */
  learned?: Float32Array;
}

function layoutOfHead({ heads, headsOfLayer }: Layout, layer: number, head: number): HeadLayout {
  return heads.find((each) => each.heads?.includes(layer * headsOfLayer + head) ?? true)!;
}

/**
 * p = exp((scale · q·k + bias - m) - log l) for pairs that exist, 0 for others. m and log l are the kernels': a row adds up to 1
 * only where the kernels used the same pairs. m + log l as one f32 would lose low bits of large scores.
 * @returns [tokens, tokens] by query, then key, in the caller's order.
 */
function probabilitiesOfHead(
  layout: Layout,
  layer: number,
  head: number,
  heads: number,
  attention: HostAttention,
) {
  const { tokens, order } = layout;
  const { query, key, softmaxStatistics, learned } = attention;
  const headDim = query.length / tokens / heads;
  // The kernels' scale is an f32.
  const scale = Math.fround(1 / Math.sqrt(headDim));
  const headLayout = layoutOfHead(layout, layer, head);
  const entries = (headLayout.table?.size ?? 0) ** 2;
  const biasOf = pairBiases(layout, headLayout, learned?.subarray(head * entries, (head + 1) * entries));
  const probabilities = new Float32Array(tokens * tokens);
  for (let row = 0; row < tokens; row++) {
    const rowAt = (row * heads + head) * headDim;
    const [maximum, logSum] = softmaxStatistics.subarray(2 * (row * heads + head));
    for (let column = 0; column < tokens; column++) {
      const bias = biasOf(row, column);
      if (bias === undefined) continue;
      const columnAt = (column * heads + head) * headDim;
      let dot = 0;
      for (let channel = 0; channel < headDim; channel++)
        dot += query[rowAt + channel] * key[columnAt + channel];
      const score = scale * dot + bias;
      probabilities[order[row] * tokens + order[column]] = Math.exp(score - maximum - logSum);
    }
  }
  return probabilities;
}

/**
 * `Classifier.attentionProbabilities` after a recorded forward pass of one sequence; submits it.
 * @returns [layers][heads] of [tokens, tokens].
 */
export async function attentionProbabilities(
  pass: Pass,
  layers: readonly LayerActivations[],
): Promise<Float32Array[][]> {
  const { recorder, config, parameters, batch } = pass;
  const { device } = recorder;
  const { heads } = config;
  const { layout } = batch.plan;
  recorder.submit();
  const probabilities: Float32Array[][] = [];
  for (const { layer, attention } of layers) {
    const rows = layout.tokens * heads;
    const numbers = rows * headDimOf(config);
    const buffers = [attention.query, attention.key, attention.softmaxStatistics];
    const [query, key, softmaxStatistics] = await readManyFloats(device, buffers, [
      numbers,
      numbers,
      2 * rows,
    ]);
    let learned: Float32Array | undefined;
    if (batch.plan.isLearned) {
      const { buffer, offset = 0 } = parameters.slice(tensorNames(config.family).layer(layer).tagBias);
      learned = await readFloats(device, buffer, heads * config.biasTags ** 2, offset / 4);
    }
    const saved = { query, key, softmaxStatistics, learned };
    probabilities.push(
      Array.from({ length: heads }, (_, head) => probabilitiesOfHead(layout, layer, head, heads, saved)),
    );
  }
  return probabilities;
}
