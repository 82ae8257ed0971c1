import type { Recorder } from '../gpu/recorder.js';
import { type OutcomePlace, recordClipFactor } from './gradient-norm.js';
import { type Run, stretchesOf, type UpdatedPart } from './parameter-layout.js';
import { type Parameters, sliceOf } from './parameters.js';
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

/** Which vectors of a stretch belong to a run. */
function vectorsOf(run: Run, stretch: Run): { first: number; end: number } {
  const within = (offset: number) => Math.min(Math.max(offset - stretch.offset, 0), stretch.length) / 4;
  return { first: within(run.offset), end: within(run.offset + run.length) };
}

/**
 * Records one step of AdamW.
 * @param step Counts from 1.
 * @param rate The learning rate of this step.
 * @param outcome Of this step: its loss is there, its gradient norm joins it.
 * @param updated What is trained: all parameters where left out. The others neither move nor decay.
 */
export function recordAdamW(
  recorder: Recorder,
  scratch: Scratch,
  parameters: Parameters,
  options: AdamWOptions,
  step: number,
  rate: number,
  outcome: OutcomePlace,
  updated: UpdatedPart = parameters.all,
): void {
  const { beta1, beta2, epsilon, weightDecay, clipNorm, biasRateFactor = 1 } = options;
  const clip = recordClipFactor(recorder, scratch, parameters, clipNorm, outcome, updated);
  const { gradients, firstMoment, secondMoment } = parameters.trainingBuffers;
  for (const stretch of stretchesOf(parameters.pieces, updated)) {
    const decayed = vectorsOf({ offset: updated.offset, length: updated.decayedLength }, stretch);
    const biases = vectorsOf(parameters.learnedBiases, stretch);
    const vectors = stretch.length / 4;
    recorder.dispatch({
      kernel: 'optimizer/adamw',
      buffers: {
        gradient: sliceOf(gradients, stretch),
        clip,
        parameter: sliceOf(parameters.values, stretch),
        first_moment: sliceOf(firstMoment, stretch),
        second_moment: sliceOf(secondMoment, stretch),
      },
      parameters: {
        vectors,
        decayed_vectors: decayed.end,
        first_bias_vector: biases.first,
        end_of_bias_vectors: biases.end,
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
      grid: recorder.folded(Math.ceil(vectors / 64)),
    });
  }
}
