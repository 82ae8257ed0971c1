import { foldedGrid, type Recorder } from '../gpu/recorder.js';
import { type Parameters, partOf, type UpdatedPart } from './parameters.js';
import type { Scratch } from './scratch.js';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** The norm above which the whole gradient is scaled down; 0 leaves it as it is. */
  clipNorm: number;
  /** The learning rate of learned biases, as a multiple of that of all else; 1 where left out. */
  biasRateFactor?: number;
}

/** What BERT is fine-tuned with, and PyTorch's defaults where the paper is silent. */
export const ADAMW_DEFAULTS: AdamWOptions = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
};

/** Vectors of the gradient that one workgroup squares and adds up. */
const VECTORS_PER_GROUP = 4096;

/**
 * Records the norm of the gradient of all that is updated, and the factor that clips it.
 * @returns Two numbers: norm and factor.
 */
export function recordClipFactor(
  recorder: Recorder,
  scratch: Scratch,
  parameters: Parameters,
  clipNorm: number,
  updated: UpdatedPart = parameters.all,
): GPUBuffer {
  const vectors = updated.length / 4;
  const groups = Math.ceil(vectors / VECTORS_PER_GROUP);
  const partial = scratch.floats('squared sums', groups);
  const clip = scratch.floats('clip factor', 2);
  recorder.dispatch({
    kernel: 'squared_sums',
    buffers: { input: partOf(parameters.trainingBuffers.gradients, updated), partial },
    parameters: { vectors, vectors_per_group: VECTORS_PER_GROUP },
    grid: [groups],
  });
  recorder.dispatch({
    kernel: 'clip_factor',
    buffers: { partial, clip },
    parameters: { count: groups, largest: clipNorm },
    grid: [1],
  });
  return clip;
}

/**
 * Records one step of AdamW.
 * @param step Counts from 1.
 * @param rate The learning rate of this step.
 * @param updated What is trained: all parameters where left out. The others neither move nor decay.
 */
export function recordAdamW(
  recorder: Recorder,
  scratch: Scratch,
  parameters: Parameters,
  options: AdamWOptions,
  step: number,
  rate: number,
  updated: UpdatedPart = parameters.all,
): void {
  const { beta1, beta2, epsilon, weightDecay, clipNorm, biasRateFactor = 1 } = options;
  const clip = recordClipFactor(recorder, scratch, parameters, clipNorm, updated);
  const { gradients, firstMoment, secondMoment } = parameters.trainingBuffers;
  const vectors = updated.length / 4;
  const { offset, length } = parameters.learnedBiases;
  const firstBiasVector = (offset - updated.offset) / 4;
  recorder.dispatch({
    kernel: 'adamw',
    buffers: {
      gradient: partOf(gradients, updated),
      clip,
      parameter: partOf(parameters.values, updated),
      first_moment: partOf(firstMoment, updated),
      second_moment: partOf(secondMoment, updated),
    },
    parameters: {
      vectors,
      decayed_vectors: updated.decayedLength / 4,
      first_bias_vector: firstBiasVector,
      end_of_bias_vectors: firstBiasVector + length / 4,
      rate,
      bias_rate: biasRateFactor * rate,
      decay: weightDecay,
      beta1,
      beta2,
      one_minus_beta1: 1 - beta1,
      one_minus_beta2: 1 - beta2,
      correction1: 1 / (1 - beta1 ** step),
      correction2: 1 / Math.sqrt(1 - beta2 ** step),
      epsilon,
    },
    grid: foldedGrid(Math.ceil(vectors / 64)),
  });
}
