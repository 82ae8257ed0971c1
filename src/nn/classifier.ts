import { CallerError } from '../base/errors.js';
import { createStorage, readFloats, Workspace, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { Recorder } from '../gpu/recorder.js';
import { type AdamWOptions, recordAdamW } from './adamw.js';
import { attentionMass } from './attention-mass.js';
import { attentionProbabilities } from './attention-probabilities.js';
import { attribution } from './attribution.js';
import type { Batch } from './batch.js';
import { BatchBuffers, type UploadedBatch } from './batch-buffers.js';
import { recordModel, recordModelBackward } from './bert.js';
import { recordLoss } from './classifier-head.js';
import { recordColumnSums } from './column-sums.js';
import { recordEmbeddingsBackward } from './embeddings.js';
import { recordAccumulation } from './gradients.js';
import { checkConfig } from './model-checks.js';
import { type ModelConfig, paddedClasses } from './model-config.js';
import { rangesInShards, type UpdatedRange } from './parameter-layout.js';
import { Parameters, sliceOf } from './parameters.js';
import { microBatchOf, type Pass, type TrainingStep } from './pass.js';
import type { SparsityPenalty } from './sparsity-penalty.js';

/** How many steps' losses and gradient norms the GPU holds before they must have been read. */
const LOSS_HISTORY = 256;

/** The number of `Classifier.outcomes` that says that a run is halted. */
const HALTED_AT = 2 * LOSS_HISTORY;

/** What a step came to. A loss or a norm that is not finite halts the run: neither that step nor a later one updates anything. */
export interface StepOutcome {
  loss: number;
  /** Of the gradient of all that is updated, before clipping. */
  norm: number;
}

export interface UpdateOptions extends AdamWOptions {
  /** Whether the word, position and type tables and their norm stay as they are: no update, no decay, no part in clipping. */
  freezeEmbeddings?: boolean;
}

function checkOneSequence({ sequences }: Batch): void {
  if (sequences === 1) return;
  throw new CallerError({ what: `a batch of ${sequences} sequences`, expected: 'one sequence' });
}

/** A BERT or DistilBERT encoder with a pooler and a classifier on it, on one device. */
export class Classifier {
  readonly parameters: Parameters;
  /**
   * The mean losses of the last steps, then their gradient norms; step s is number s mod LOSS_HISTORY of each. After
   * them whether a step of the run was not finite.
   */
  readonly outcomes: GPUBuffer;
  private readonly batch: BatchBuffers;
  private readonly workspace: Workspace;
  private penalty: SparsityPenalty | undefined;

  /** All parameters are 0; see `parameters.write`. @throws CallerError where the kernels cannot run the shape. */
  constructor(
    readonly device: Device,
    readonly config: ModelConfig,
  ) {
    checkConfig(config);
    this.parameters = new Parameters(device, config);
    this.outcomes = createStorage(device, 4 * (HALTED_AT + 1), 'outcomes of steps');
    this.batch = new BatchBuffers(device, config.heads);
    this.workspace = new Workspace(device, 'activations');
  }

  /**
   * Uploads a batch ahead of the pass over it, which then need not.
   * @throws CallerError where its plan asks for biases that the model does not have, or has rules for other heads.
   */
  upload(batch: Batch): UploadedBatch {
    const { layers, heads } = this.config;
    const listed = batch.layout.heads.flatMap((each) => each.heads ?? []).length;
    const { headsOfLayer } = batch.layout;
    if (listed > 0 && (listed !== layers * heads || headsOfLayer !== heads)) {
      throw new CallerError({
        what: `rules for ${listed / headsOfLayer} layers of ${headsOfLayer} heads`,
        expected: `${layers} layers of ${heads}, as the model has`,
      });
    }
    const { table } = batch.layout.heads[0];
    if (table?.learned && table.size !== this.config.biasTags) {
      throw new CallerError({
        what: `strategy "learned" over ${table.size} tags, and a model with biases of ${this.config.biasTags}`,
        expected: 'a model that was trained with strategy "learned" and as many tags',
      });
    }
    return this.batch.write(batch);
  }

  /** Computes the logits of a batch, [sequences][classes]. Nothing is dropped. */
  async logits(batch: Batch): Promise<Float32Array[]> {
    const pass = this.pass(batch);
    const { logits } = recordModel(pass).head;
    pass.recorder.submit();
    const stride = paddedClasses(this.config);
    const all = await readFloats(this.device, logits, batch.sequences * stride);
    return Array.from({ length: batch.sequences }, (_, row) =>
      all.slice(row * stride, row * stride + this.config.classes),
    );
  }

  /** Submits forward and backward pass: gradients of all parameters, and the mean loss, but no update. */
  computeGradients(batch: Batch, training?: TrainingStep): void {
    const pass = this.pass(batch, training);
    this.recordGradients(pass, training?.step ?? 0, this.parameters.layout.all);
    pass.recorder.submit();
  }

  /**
   * For each layer how much attention pairs of tags get, [heads, tags, tags] by query tag, then key tag: the sum of the
   * attention probabilities of all pairs of tokens with these tags.
   *
   * @param tags [tokens], in the caller's order, each below `tagCount`.
   */
  async attentionMass(batch: Batch, tags: Uint8Array, tagCount: number): Promise<Float64Array[]> {
    const pass = this.pass(batch);
    return attentionMass(pass, recordModel(pass).layers, tags, tagCount);
  }

  /**
   * The attention probabilities of one sequence, [layers][heads] of [tokens, tokens] by query, then key, in the caller's order:
   * exp(score + bias - log-sum-exp) from the queries, keys and log-sum-exp of the kernels; 0 where a pair does not exist.
   *
   * @throws CallerError where the batch is several sequences.
   */
  async attentionProbabilities(batch: Batch): Promise<Float32Array[][]> {
    checkOneSequence(batch);
    const pass = this.pass(batch);
    return attentionProbabilities(pass, recordModel(pass).layers);
  }

  /**
   * Which tokens of one sequence speak for a class and which against it: gradient times input (Simonyan et al. 2013, arXiv
   * 1312.6034, for the gradient; Shrikumar et al. 2016, arXiv 1605.01713, for the product),
   *
   *     a[token] = Σ_c word[id of token, c] · ∂logit[label] / ∂x[token, c],      x = word + position + type,
   *
   * x being what the embeddings' norm reads. Overwrites the gradients of all parameters.
   *
   * @returns [tokens], in the caller's order.
   * @throws CallerError where the batch is several sequences.
   */
  async attribution(batch: Batch, label: number): Promise<Float64Array> {
    checkOneSequence(batch);
    const pass = this.pass(batch);
    return attribution(pass, recordModel(pass), label);
  }

  /** From now on, training steps follow the gradient of this penalty too; what they report stays the loss alone. */
  usePenalty(penalty: SparsityPenalty | undefined): void {
    this.penalty?.release();
    this.penalty = penalty;
  }

  /**
   * Submits one training step, forward, backward and update, in one command buffer; or a batch of it, and the update with its
   * last. Nothing is read back.
   * @param training `step` counts from 1.
   * @param rate The learning rate.
   */
  trainStep(batch: Batch, training: TrainingStep, rate: number, options: UpdateOptions): void {
    const { parameters, workspace } = this;
    const pass = this.pass(batch, training);
    const updated = options.freezeEmbeddings ? parameters.layout.withoutEmbeddings : parameters.layout.all;
    const microBatch = microBatchOf(pass);
    this.recordGradients(pass, training.step, updated);
    recordAccumulation(pass.recorder, workspace, parameters, updated, microBatch);
    if (microBatch.index === microBatch.count - 1) {
      this.penalty?.record(pass.recorder, parameters, this.config);
      const at = training.step % LOSS_HISTORY;
      const outcome = { buffer: this.outcomes, lossAt: at, normAt: LOSS_HISTORY + at, haltedAt: HALTED_AT };
      recordAdamW(pass.recorder, workspace, parameters, options, training.step, rate, outcome, updated);
    }
    pass.recorder.submit();
  }

  /** The mean losses of the steps `from` to `to`, both included, at most LOSS_HISTORY of them. */
  async readLosses(from: number, to: number): Promise<number[]> {
    return (await this.readOutcomes(from, to)).map(({ loss }) => loss);
  }

  /** The same with the norms of their gradients: 0 where a step was only computed, not trained. */
  async readOutcomes(from: number, to: number): Promise<StepOutcome[]> {
    const history = await readFloats(this.device, this.outcomes, 2 * LOSS_HISTORY);
    return Array.from({ length: to - from + 1 }, (_, index) => {
      const at = (from + index) % LOSS_HISTORY;
      return { loss: history[at], norm: history[LOSS_HISTORY + at] };
    });
  }

  /** Lets steps update parameters again, where one was not finite before. */
  beginRun(): void {
    write(this.device, this.outcomes, new Float32Array(1), 4 * HALTED_AT);
  }

  release(): void {
    this.usePenalty(undefined);
    this.parameters.release();
    this.batch.release();
    this.workspace.release();
    this.device.release(this.outcomes);
  }

  private pass(batch: Batch, training?: TrainingStep): Pass {
    const { config, parameters, workspace } = this;
    const recorder = new Recorder(this.device);
    return { recorder, config, parameters, batch: this.upload(batch), workspace, training };
  }

  private recordGradients(pass: Pass, step: number, updated: UpdatedRange): void {
    // The tables' rows that do not occur in the batch must have no gradient; everything else is overwritten.
    const { layout, trainingBuffers } = this.parameters;
    for (const range of rangesInShards(layout.shards, updated))
      pass.recorder.clear(sliceOf(trainingBuffers.gradients, range));
    const saved = recordModel(pass);
    const logitsGradient = this.recordLoss(pass, saved.head.logits, step % LOSS_HISTORY);
    const gradient = recordModelBackward(pass, saved, logitsGradient);
    if (updated === layout.all) recordEmbeddingsBackward(pass, saved.embeddings, gradient);
  }

  /** The loss of the step, or its part of it: with the last part, the sum goes to number `at` of the losses. */
  private recordLoss(pass: Pass, logits: GPUBuffer, at: number): GPUBuffer {
    const { index, count } = microBatchOf(pass);
    if (count === 1) return recordLoss(pass, logits, this.outcomes, at);
    const parts = this.workspace.floats('losses of parts', count);
    const gradient = recordLoss(pass, logits, parts, index);
    if (index === count - 1) {
      recordColumnSums(pass.recorder, this.workspace, { rows: count, columns: 1 }, parts, this.outcomes, at);
    }
    return gradient;
  }
}
