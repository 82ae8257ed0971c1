import type { ModelFamily } from './tensor-names.js';

/** What a model is trained for: classes of texts, or the tokens that are masked. */
export const TASKS = ['classification', 'mlm'] as const;

export type Task = (typeof TASKS)[number];

/** The configuration of a BERT or DistilBERT model. src/train/hugging-face/bert-config.ts maps it to `config.json`. */
export interface ModelConfig {
  /**
   * Unlike `bert`, `distilbert` has no token types, no dropout after attention, and a ReLU instead of a tanh between [CLS] and
   * the classifier.
   */
  family: ModelFamily;
  /** Tokens of the vocabulary. */
  vocabulary: number;
  /** Channels of a hidden state: heads times a head dimension of 16 to 128, a multiple of 4. */
  hidden: number;
  /** Encoder layers, 1 to 1,024. */
  layers: number;
  /** Attention heads of a layer. */
  heads: number;
  /** Channels between the two linear layers after attention, a multiple of 4. */
  feedForward: number;
  /** Position embeddings: the longest sequence. */
  positions: number;
  /** Type embeddings, 0 where the family has none. This engine reads single sentences, all of type 0. */
  types: number;
  /** Added to the variance in layer norms. */
  normEpsilon: number;
  /** Probability with which training sets a channel of a hidden state to 0, below 1. */
  hiddenDropout: number;
  /** Probability with which training sets an attention probability to 0, below 1. */
  attentionDropout: number;
  /** Before the classifier; `hiddenDropout` by default. */
  headDropout?: number;
  /** Standard deviation of the initial weights. */
  initializerRange: number;
  /** `classification` by default. */
  task?: Task;
  /** Classes of a classifier; without a meaning for the task `mlm`. */
  classes: number;
  /** Tags of the learned bias tables (strategy `learned`), one table for each layer and head; 0 without tables. */
  biasTags: number;
  /** Tags that have a learned embedding, added to the input; left out for none. */
  tagEmbeddings?: number;
}

/** The configuration of `prajjwal1/bert-tiny`, with BERT's defaults. */
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

/** The sizes of the BERTs of Turc et al. 2019 (arXiv 1908.08962), and of BERT-base. */
export const MODEL_SIZES = {
  tiny: { layers: 2, hidden: 128, heads: 2, feedForward: 512 },
  mini: { layers: 4, hidden: 256, heads: 4, feedForward: 1024 },
  small: { layers: 4, hidden: 512, heads: 8, feedForward: 2048 },
  medium: { layers: 8, hidden: 512, heads: 8, feedForward: 2048 },
  base: { layers: 12, hidden: 768, heads: 12, feedForward: 3072 },
} as const;

export type ModelSize = keyof typeof MODEL_SIZES;

/** Sizes that two CPU cores train within a minute, for the demo and the playground. */
export const SMALL_CONFIG = {
  hidden: 32,
  heads: 2,
  layers: 2,
  feedForward: 64,
  hiddenDropout: 0,
  attentionDropout: 0,
  // BERT's 0.02 suits wider layers.
  initializerRange: 0.1,
};

export function headDimOf(config: ModelConfig): number {
  return config.hidden / config.heads;
}

/** The number of logits of a row: classes, or tokens of the vocabulary. */
export function outputsOf({ task, vocabulary, classes }: ModelConfig): number {
  return task === 'mlm' ? vocabulary : classes;
}

/** `outputsOf`, padded to a multiple of four for the linear kernels. */
export function paddedOutputs(config: ModelConfig): number {
  return Math.ceil(outputsOf(config) / 4) * 4;
}
