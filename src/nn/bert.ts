import { type EmbeddingActivations, recordEmbeddings } from './embeddings.js';
import { type LayerActivations, recordLayer, recordLayerBackward } from './encoder-layer.js';
import type { Pass } from './pass.js';
import { type RecordedHead, recordHead } from './task-head.js';

/** Saved activations of a whole model. */
export interface ModelActivations {
  embeddings: EmbeddingActivations;
  layers: LayerActivations[];
  head: RecordedHead;
}

/** Records the forward pass of a BERT or DistilBERT model. */
export function recordModel(pass: Pass): ModelActivations {
  const embeddings = recordEmbeddings(pass);
  const layers: LayerActivations[] = [];
  let hidden = embeddings.norm.output;
  for (let layer = 0; layer < pass.config.layers; layer++) {
    layers.push(recordLayer(pass, layer, hidden));
    hidden = layers[layer].outputNorm.output;
  }
  return { embeddings, layers, head: recordHead(pass, hidden) };
}

/**
 * Records the backward pass of the head and of all layers.
 * @returns The gradient of the embeddings' output, for `recordEmbeddingsBackward`.
 */
export function recordModelBackward(
  pass: Pass,
  { layers, head }: ModelActivations,
  logitsGradient: GPUBuffer,
): GPUBuffer {
  const hiddenGradient = head.backward(logitsGradient);
  return layers.reduceRight(
    (gradient, activations) => recordLayerBackward(pass, activations, gradient),
    hiddenGradient,
  );
}
