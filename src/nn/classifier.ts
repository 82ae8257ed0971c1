import { CallerError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import { createStorage, readFloats, Workspace, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { BoundKernels, Recorder } from '../gpu/recorder.js';
import { checkPrecision } from '../gpu/subgroup-matrices.js';
import { type AdamWOptions, recordAdamW } from './adamw.js';
import { attentionMass } from './attention-mass.js';
import { attentionProbabilities } from './attention-probabilities.js';
import { attribution } from './attribution.js';
import type { Batch } from './batch.js';
import { BatchBuffers, type UploadedBatch } from './batch-buffers.js';
import { recordModel, recordModelBackward } from './bert.js';
import { recordEmbeddingsBackward } from './embeddings.js';
import { type OutcomeOffsets, recordAccumulation, recordScaledLoss } from './gradients.js';
import { recordLoss } from './loss.js';
import { logitsBlock } from './mlm-head.js';
import { checkConfig } from './model-checks.js';
import { type ModelConfig, outputsOf, paddedOutputs } from './model-config.js';
import { rangesInShards, type UpdatedRange } from './parameter-layout.js';
import { Parameters, sliceOf } from './parameters.js';
import { microBatchOf, type Pass, type TrainingStep } from './pass.js';
import type { SparsityPenalty } from './sparsity-penalty.js';

/** The number of last steps whose losses and gradient norms the GPU keeps. */
const LOSS_HISTORY = 256;

/** The index in `Classifier.outcomes` of the flag that halts a run. */
const HALTED_AT = 2 * LOSS_HISTORY;

/** The index in `Classifier.outcomes` of the three numbers of the loss scale. */
const SCALE_AT = HALTED_AT + 1;

/** The scale of the loss in precision f16. Steps whose gradient exceeds f16 are skipped, and halve it. */
export interface LossScale {
  scale: number;
  /** Steps since it changed. */
  steps: number;
  /** The number of skipped steps of the run. */
  skipped: number;
}

/** The first scale, and the steps after which it is doubled: those of PyTorch's GradScaler. */
const FIRST_SCALE: LossScale = { scale: 65_536, steps: 0, skipped: 0 };
const GROWTH_INTERVAL = 2000;

/** The result of a step. A loss or norm that is not finite halts the run: this and later steps update nothing. */
export interface StepOutcome {
  loss: number;
  /** The norm of the updated parameters' gradient, before clipping; 0 for a skipped step. */
  norm: number;
}

export interface UpdateOptions extends AdamWOptions {
  /** Whether the embeddings (tables and norm) stay unchanged. They do not decay, and do not count in clipping. */
  freezeEmbeddings?: boolean;
}

function checkOneSequence({ sequences }: Batch): void {
  if (sequences === 1) return;
  throw new CallerError({ what: `a batch of ${sequences} sequences`, expected: 'one sequence' });
}

/** A BERT or DistilBERT encoder with the head of its task, on one device. */
export class Classifier {
  readonly parameters: Parameters;
  /**
   * The mean losses of the last steps, then their gradient norms, each at index step mod LOSS_HISTORY. Then a flag: whether a
   * step of the run was not finite. Then the loss scale.
   */
  readonly outcomes: GPUBuffer;
  private readonly batch: BatchBuffers;
  private readonly workspace: Workspace;
  /** The kernels of the last training step and of the last pass without training. Most steps repeat the one before. */
  private readonly bound = { training: new BoundKernels(), evaluation: new BoundKernels() };
  private penalty: SparsityPenalty | undefined;
  private currentPrecision: Precision = 'f32';
  private lastScale = FIRST_SCALE;

  /** All parameters start at 0; see `parameters.write`. @throws CallerError where the kernels cannot run this model. */
  constructor(
    readonly device: Device,
    readonly config: ModelConfig,
  ) {
    checkConfig(config);
    this.parameters = new Parameters(device, config);
    this.outcomes = createStorage(device, 4 * (SCALE_AT + 3), 'outcomes of steps');
    this.batch = new BatchBuffers(device, config);
    this.workspace = new Workspace(device, 'activations');
    this.writeScale(FIRST_SCALE);
  }

  /** The precision of linear layers; that of attention is of a batch's layout. */
  get precision(): Precision {
    return this.currentPrecision;
  }

  /** Sets the precision of later passes. @throws CallerError where the device was not opened for it. */
  usePrecision(precision: Precision): void {
    checkPrecision(this.device, precision);
    this.currentPrecision = precision;
  }

  /** The loss scale as of the last `readOutcomes`; undefined where the loss is not scaled. */
  get lossScale(): LossScale | undefined {
    return this.precision === 'f16' ? this.lastScale : undefined;
  }

  /**
   * Uploads a batch before the pass over it.
   * @throws CallerError where its layout needs biases that the model does not have, or has rules for other heads.
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
        expected: 'a model that was trained with strategy "learned" and the same number of tags',
      });
    }
    return this.batch.write(batch);
  }

  /** Computes the logits of a batch, [rows][classes, or tokens of the vocabulary], without dropout. */
  async logits(batch: Batch): Promise<Float32Array[]> {
    const pass = this.pass(batch);
    const { logits } = recordModel(pass).head;
    pass.recorder.submit();
    const { length: rows } = batch.outputTokens;
    const [stride, block] = [paddedOutputs(this.config), logitsBlock(pass)];
    const all = await readFloats(this.device, logits, rows * stride);
    return Array.from({ length: rows }, (_, row) => {
      const ofRow = new Float32Array(stride);
      for (let first = 0; first < stride; first += block) {
        const columns = Math.min(block, stride - first);
        const at = first * rows + row * columns;
        ofRow.set(all.subarray(at, at + columns), first);
      }
      return ofRow.subarray(0, outputsOf(this.config));
    });
  }

  /**
   * Submits a forward and a backward pass: the mean loss and the gradients of all parameters, without an update. In precision f16 they
   * are gradients of the scaled loss.
   */
  computeGradients(batch: Batch, training?: TrainingStep): void {
    const pass = this.pass(batch, training);
    this.recordGradients(pass, training?.step ?? 0, this.parameters.layout.all);
    pass.recorder.submit();
  }

  /**
   * The attention of each pair of tags: the sum of the attention probabilities of all pairs of tokens with these tags.
   *
   * @param tags [tokens], in the caller's order, each below `tagCount`.
   * @returns For each layer [heads, tags, tags] by query tag, then key tag.
   */
  async attentionMass(batch: Batch, tags: Uint8Array, tagCount: number): Promise<Float64Array[]> {
    const pass = this.pass(batch);
    return attentionMass(pass, recordModel(pass).layers, tags, tagCount);
  }

  /**
   * The attention probabilities of one sequence: exp(score + bias - log-sum-exp) from the queries, keys and log-sum-exp of the
   * kernels; 0 where a pair does not exist.
   *
   * @returns [layers][heads] of [tokens, tokens] by query, then key, in the caller's order.
   * @throws CallerError where the batch is several sequences.
   */
  async attentionProbabilities(batch: Batch): Promise<Float32Array[][]> {
    checkOneSequence(batch);
    const pass = this.pass(batch);
    return attentionProbabilities(pass, recordModel(pass).layers);
  }

  /**
   * How much each token of one sequence contributes to the logit of a class: gradient times input (Simonyan et al. 2013, arXiv
   * 1312.6034, for the gradient; Shrikumar et al. 2016, arXiv 1605.01713, for the product),
   *
   *     a[token] = Σ_c word[id of token, c] · ∂logit[label] / ∂x[token, c],      x = word + position + type,
   *
   * where x is the input of the embeddings' norm. Overwrites the gradients of all parameters.
   *
   * @returns [tokens], in the caller's order.
   * @throws CallerError where the batch is several sequences.
   */
  async attribution(batch: Batch, label: number): Promise<Float64Array> {
    checkOneSequence(batch);
    const pass = this.pass(batch);
    return attribution(pass, recordModel(pass), label);
  }

  /** Adds a penalty to the gradients of later training steps. The reported loss stays without it. */
  usePenalty(penalty: SparsityPenalty | undefined): void {
    this.penalty?.release();
    this.penalty = penalty;
  }

  /**
   * Submits one training step in one command buffer: forward, backward and update. A step with several
   * micro-batches is one submit for each, with the update in the last. Nothing is read back.
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
      const outcome = this.outcomeAt(training.step % LOSS_HISTORY);
      recordAdamW(pass.recorder, workspace, parameters, options, training.step, rate, outcome, updated);
    }
    pass.recorder.submit();
  }

  /** The mean losses of the steps `from` to `to`, both included, at most LOSS_HISTORY steps. */
  async readLosses(from: number, to: number): Promise<number[]> {
    return (await this.readOutcomes(from, to)).map(({ loss }) => loss);
  }

  /** The losses and gradient norms of these steps. The norm is 0 after `computeGradients`. */
  async readOutcomes(from: number, to: number): Promise<StepOutcome[]> {
    const history = await readFloats(this.device, this.outcomes, SCALE_AT + 3);
    const [scale, steps, skipped] = history.subarray(SCALE_AT);
    this.lastScale = { scale, steps, skipped };
    return Array.from({ length: to - from + 1 }, (_, index) => {
      const at = (from + index) % LOSS_HISTORY;
      return { loss: history[at], norm: history[LOSS_HISTORY + at] };
    });
  }

  /** Allows updates again after a step that was not finite. @param scale The loss scale of a resumed run. */
  beginRun(scale: LossScale = FIRST_SCALE): void {
    write(this.device, this.outcomes, new Float32Array(1), 4 * HALTED_AT);
    this.writeScale(scale);
  }

  release(): void {
    this.usePenalty(undefined);
    this.parameters.release();
    this.batch.release();
    this.workspace.release();
    this.device.release(this.outcomes);
  }

  private writeScale({ scale, steps, skipped }: LossScale): void {
    this.lastScale = { scale, steps, skipped };
    write(this.device, this.outcomes, Float32Array.of(scale, steps, skipped), 4 * SCALE_AT);
  }

  private outcomeAt(at: number): OutcomeOffsets {
    return {
      buffer: this.outcomes,
      lossAt: at,
      normAt: LOSS_HISTORY + at,
      haltedAt: HALTED_AT,
      ...(this.precision === 'f16' && { scale: { at: SCALE_AT, growthInterval: GROWTH_INTERVAL } }),
    };
  }

  private pass(batch: Batch, training?: TrainingStep): Pass {
    const { config, parameters, workspace, precision } = this;
    const bound = training ? this.bound.training : this.bound.evaluation;
    const recorder = new Recorder(this.device, bound);
    return { recorder, config, parameters, batch: this.upload(batch), workspace, training, precision };
  }

  private recordGradients(pass: Pass, step: number, updated: UpdatedRange): void {
    // Rows of tables that do not occur in the batch must have gradient 0. All other gradients are overwritten.
    const { layout, trainingBuffers } = this.parameters;
    for (const range of rangesInShards(layout.shards, updated))
      pass.recorder.clear(sliceOf(trainingBuffers.gradients, range));
    const saved = recordModel(pass);
    const at = step % LOSS_HISTORY;
    const logitsGradient = recordLoss(pass, saved.head.logits, this.outcomes, at);
    const logits = pass.batch.rows * paddedOutputs(this.config);
    recordScaledLoss(pass.recorder, this.outcomeAt(at), logitsGradient, logits);
    const gradient = recordModelBackward(pass, saved, logitsGradient);
    if (updated === layout.all) recordEmbeddingsBackward(pass, saved.embeddings, gradient);
  }
}
