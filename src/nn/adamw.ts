import type { Workspace } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';
import { type OutcomeOffsets, recordClipFactor } from './gradients.js';
import { type ParameterRange, rangesInShards, type UpdatedRange } from './parameter-layout.js';
import { type Parameters, sliceOf } from './parameters.js';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** The largest norm of the whole gradient, which is scaled down to it; 0 for no clipping. */
  maxGradNorm: number;
  /** The learning rate of learned biases, as a multiple of that of other parameters; 1 by default. */
  biasRateFactor?: number;
}

/** The settings of BERT's fine-tuning, and PyTorch's defaults for the others. */
export const ADAMW_DEFAULTS: AdamWOptions = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

/** The vectors of an outer range that belong to an inner one. */
function vectorsOf(inner: ParameterRange, outer: ParameterRange): { first: number; end: number } {
  const within = (offset: number) => Math.min(Math.max(offset - outer.offset, 0), outer.length) / 4;
  return { first: within(inner.offset), end: within(inner.offset + inner.length) };
}

/**
 * Records one step of AdamW.
 * @param step The step, from 1.
 * @param rate The learning rate of this step.
 * @param outcome Has the step's loss, and receives its gradient norm.
 * @param updated The parameters to train; all by default. The others neither change nor decay.
 */
export function recordAdamW(
  recorder: Recorder,
  scratch: Workspace,
  parameters: Parameters,
  options: AdamWOptions,
  step: number,
  rate: number,
  outcome: OutcomeOffsets,
  updated: UpdatedRange = parameters.layout.all,
): void {
  const { beta1, beta2, epsilon, weightDecay, maxGradNorm, biasRateFactor = 1 } = options;
  const clip = recordClipFactor(recorder, scratch, parameters, maxGradNorm, outcome, updated);
  const { gradients, firstMoment, secondMoment } = parameters.trainingBuffers;
  for (const range of rangesInShards(parameters.layout.shards, updated)) {
    const decayed = vectorsOf({ offset: updated.offset, length: updated.decayedLength }, range);
    const biases = vectorsOf(parameters.layout.learnedBiases, range);
    const vectors = range.length / 4;
    recorder.dispatch({
      kernel: 'optimizer/adamw',
      buffers: {
        gradient: sliceOf(gradients, range),
        clip,
        parameter: sliceOf(parameters.values, range),
        first_moment: sliceOf(firstMoment, range),
        second_moment: sliceOf(secondMoment, range),
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
