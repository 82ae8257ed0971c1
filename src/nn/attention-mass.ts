import { readFloats, write } from '../gpu/buffers.js';
import { type LayerActivations, recordAttentionTo } from './encoder-layer.js';
import { headDimOf } from './model-config.js';
import type { Pass } from './pass.js';

/**
 * One-hot values of the tokens' tags, for the tags from `first` to `first + headDim - 1`. Attention over these values gives, for
 * each query, the attention to each tag.
 *
 * @returns [tokens, heads, headDim]
 */
function indicators(tagOfToken: Uint8Array, heads: number, headDim: number, first: number): Float32Array {
  const values = new Float32Array(tagOfToken.length * heads * headDim);
  tagOfToken.forEach((tag, token) => {
    if (tag < first || tag >= first + headDim) return;
    for (let head = 0; head < heads; head++) values[(token * heads + head) * headDim + tag - first] = 1;
  });
  return values;
}

/** `Classifier.attentionMass` after a recorded forward pass; submits both. It uses the model's kernels. */
export async function attentionMass(
  pass: Pass,
  layers: readonly LayerActivations[],
  tags: Uint8Array,
  tagCount: number,
): Promise<Float64Array[]> {
  const { recorder, config, workspace, batch } = pass;
  const { heads, hidden } = config;
  const [headDim, { device }] = [headDimOf(config), recorder];
  const tagOfToken = Uint8Array.from(batch.plan.layout.order, (token) => tags[token]);
  const outputs: { layer: number; first: number; buffer: GPUBuffer }[] = [];
  for (let first = 0; first < tagCount; first += headDim) {
    const value = workspace.floats(`indicators of tags from ${first} on`, batch.tokens * hidden);
    write(device, value, indicators(tagOfToken, heads, headDim, first));
    layers.forEach((activations, layer) => {
      const name = `layer ${layer} attention to tags from ${first} on`;
      const buffer = workspace.floats(name, batch.tokens * hidden);
      recordAttentionTo(pass, activations, value, buffer);
      outputs.push({ layer, first, buffer });
    });
  }
  recorder.submit();
  const masses = layers.map(() => new Float64Array(heads * tagCount * tagCount));
  for (const { layer, first, buffer } of outputs) {
    const received = await readFloats(device, buffer, batch.tokens * hidden);
    const columns = Math.min(headDim, tagCount - first);
    tagOfToken.forEach((tag, token) => {
      for (let head = 0; head < heads; head++) {
        const row = (head * tagCount + tag) * tagCount + first;
        const from = (token * heads + head) * headDim;
        for (let column = 0; column < columns; column++)
          masses[layer][row + column] += received[from + column];
      }
    });
  }
  return masses;
}
