import type { Precision } from '../base/precision.js';
import { type Dropout, randomStream } from '../base/random.js';
import type { Workspace } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';
import type { UploadedBatch } from './batch-buffers.js';
import type { ModelConfig } from './model-config.js';
import type { Parameters } from './parameters.js';

/** Determines the dropout masks of a training step: the same seed and step give the same masks. */
export interface TrainingStep {
  seed: number;
  step: number;
  /** Left out where the step has one batch. */
  microBatch?: MicroBatch;
}

/** One of the batches of a step, whose gradients are accumulated. */
export interface MicroBatch {
  /** From 0. */
  index: number;
  /** The number of batches of the step. */
  count: number;
  /** The number of rows with logits in all batches of the step: each has the same weight in loss and gradient. */
  rows: number;
}

export function microBatchOf({ batch, training }: Pick<Pass, 'batch' | 'training'>): MicroBatch {
  return training?.microBatch ?? { index: 0, count: 1, rows: batch.rows };
}

/** Where in a layer or model a dropout is. */
export type DropoutSite = 'embeddings' | 'attention' | 'attention output' | 'feed-forward output' | 'pooled';

const SITES: readonly DropoutSite[] = [
  'embeddings',
  'attention',
  'attention output',
  'feed-forward output',
  'pooled',
];

/** The context of a forward pass and the backward pass over the same batch. */
export interface Pass {
  recorder: Recorder;
  config: ModelConfig;
  parameters: Parameters;
  batch: UploadedBatch;
  /** Saved activations, gradients and partial sums. Layers that use the same name overwrite each other's buffer. */
  workspace: Workspace;
  /** Left out for no dropout. */
  training?: TrainingStep;
  /** The precision of linear layers; f32 by default. */
  precision?: Precision;
}

/** Records the backward pass of a head, after its forward pass. @returns The gradient of the head's input, [rows, hidden]. */
export type HeadBackward = (logitsGradient: GPUBuffer) => GPUBuffer;

function probabilityAt(config: ModelConfig, site: DropoutSite): number {
  const { family, attentionDropout, hiddenDropout, headDropout = hiddenDropout } = config;
  if (site === 'attention') return attentionDropout;
  if (site === 'pooled') return headDropout;
  return site === 'attention output' && family === 'distilbert' ? 0 : hiddenDropout;
}

/** The dropout of a site, or undefined where nothing is dropped. */
export function dropoutAt({ config, training }: Pass, site: DropoutSite, layer = 0): Dropout | undefined {
  const probability = probabilityAt(config, site);
  if (!training || probability === 0) return undefined;
  const { seed, step, microBatch } = training;
  // The first batch of a step draws the same numbers as the only batch of one.
  const batch = microBatch?.index ? [microBatch.index] : [];
  return { probability, stream: randomStream(seed, step, layer, SITES.indexOf(site), ...batch) };
}
