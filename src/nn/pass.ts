import { type Dropout, randomStream } from '../base/random.js';
import type { Workspace } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';
import type { UploadedBatch } from './batch-buffers.js';
import type { ModelConfig } from './model-config.js';
import type { Parameters } from './parameters.js';

/** What makes the random masks of a training step: the same seed and step draw the same masks. */
export interface TrainingStep {
  seed: number;
  step: number;
  /** Left out where the batch is the whole step. */
  microBatch?: MicroBatch;
}

/** One of the batches whose gradients add up to those of a step. */
export interface MicroBatch {
  /** From 0. */
  index: number;
  /** Batches of the step. */
  count: number;
  /** Examples of all its batches: each has the same weight in the step's loss and gradient. */
  rows: number;
}

export function microBatchOf({ batch, training }: Pick<Pass, 'batch' | 'training'>): MicroBatch {
  return training?.microBatch ?? { index: 0, count: 1, rows: batch.sequences };
}

/** Where in the model a mask is drawn, besides the layer. */
export type DropoutSite = 'embeddings' | 'attention' | 'attention output' | 'feed-forward output' | 'pooled';

const SITES: readonly DropoutSite[] = [
  'embeddings',
  'attention',
  'attention output',
  'feed-forward output',
  'pooled',
];

/** What every part of a model needs to record itself: a forward pass, and the backward pass over the same batch. */
export interface Pass {
  recorder: Recorder;
  config: ModelConfig;
  parameters: Parameters;
  batch: UploadedBatch;
  /** Saved activations, gradients and partial sums. A name that several layers use is overwritten by the next of them. */
  workspace: Workspace;
  /** Without it, nothing is dropped. */
  training?: TrainingStep;
}

function probabilityAt(config: ModelConfig, site: DropoutSite): number {
  const { family, attentionDropout, hiddenDropout, headDropout = hiddenDropout } = config;
  if (site === 'attention') return attentionDropout;
  if (site === 'pooled') return headDropout;
  return site === 'attention output' && family === 'distilbert' ? 0 : hiddenDropout;
}

/** The dropout of a site in the model, or none where the model only predicts. */
export function dropoutAt({ config, training }: Pass, site: DropoutSite, layer = 0): Dropout | undefined {
  const probability = probabilityAt(config, site);
  if (!training || probability === 0) return undefined;
  const { seed, step, microBatch } = training;
  // The first batch of a step draws what the only one would.
  const batch = microBatch?.index ? [microBatch.index] : [];
  return { probability, stream: randomStream(seed, step, layer, SITES.indexOf(site), ...batch) };
}
