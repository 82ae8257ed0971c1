import type { ModelFamily } from './tensor-names.js';

/** The shape of a BERT or DistilBERT classifier; names in `config.json` are Hugging Face's (src/train/hugging-face/bert-config.ts). */
export interface ModelConfig {
  /**
   * `distilbert` has no token types and no dropout of what attention gives, and a ReLU where `bert` has a tanh between [CLS]
   * and the classifier.
   */
  family: ModelFamily;
  vocabulary: number;
  hidden: number;
  layers: number;
  heads: number;
  feedForward: number;
  /** Position embeddings: the longest sequence that the model reads. */
  positions: number;
  /** Type embeddings, 0 where the family has none; this engine reads single sentences, all of type 0. */
  types: number;
  normEpsilon: number;
  hiddenDropout: number;
  attentionDropout: number;
  /** In front of the classifier; `hiddenDropout` where left out. */
  headDropout?: number;
  /** Standard deviation of the initial weights. */
  initializerRange: number;
  classes: number;
  /** Tags of the bias tables that strategy `learned` trains, one for each layer and head; 0 where there are none. */
  biasTags: number;
}

/** The shape of `prajjwal1/bert-tiny`, with BERT's defaults. */
export const BERT_TINY: ModelConfig = {
  family: 'bert',
  vocabulary: 30_522,
  hidden: 128,
  layers: 2,
  heads: 2,
  feedForward: 512,
  positions: 512,
  types: 2,
  normEpsilon: 1e-12,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  initializerRange: 0.02,
  classes: 2,
  biasTags: 0,
};

/** A shape that two cores train within a minute without a GPU, as the demo and the playground do. */
export const SMALL_CONFIG = {
  hidden: 32,
  heads: 2,
  layers: 2,
  feedForward: 64,
  hiddenDropout: 0,
  attentionDropout: 0,
  // BERT's 0.02 is made for wider layers.
  initializerRange: 0.1,
};

export function headDimOf(config: ModelConfig): number {
  return config.hidden / config.heads;
}

/** The number of output columns of the classifier: linear layers have a multiple of four, and the rest are never read. */
export function paddedClasses(config: ModelConfig): number {
  return Math.ceil(config.classes / 4) * 4;
}
