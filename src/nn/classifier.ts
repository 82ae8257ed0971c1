import { createStorage, readFloats, Workspace } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { CallerError } from '../gpu/errors.js';
import { Recorder } from '../gpu/recorder.js';
import { type AdamWOptions, recordAdamW } from './adamw.js';
import type { Batch } from './batch.js';
import { BatchBuffers } from './batch-buffers.js';
import { recordHead, recordHeadBackward, recordLoss } from './classifier-head.js';
import { checkConfig, type ModelConfig, paddedClasses } from './config.js';
import { recordEmbeddings, recordEmbeddingsBackward } from './embeddings.js';
import { EncoderLayer } from './encoder-layer.js';
import { Parameters } from './parameters.js';
import type { Pass, TrainingStep } from './pass.js';

/** How many steps' losses the GPU holds before they must have been read. */
export const LOSS_HISTORY = 256;

/** A BERT or DistilBERT encoder with a pooler and a classifier on it, on one device. */
export class Classifier {
  readonly parameters: Parameters;
  /** Mean losses of the last steps; step s stands in number s mod LOSS_HISTORY. */
  readonly losses: GPUBuffer;
  private readonly layers: EncoderLayer[];
  private readonly batch: BatchBuffers;
  private readonly workspace: Workspace;

  /** All parameters are 0; see `parameters.write`. @throws CallerError where the kernels cannot run the shape. */
  constructor(
    readonly device: Device,
    readonly config: ModelConfig,
  ) {
    checkConfig(config);
    this.parameters = new Parameters(device, config);
    this.losses = createStorage(device, 4 * LOSS_HISTORY, 'losses');
    this.layers = Array.from({ length: config.layers }, (_, index) => new EncoderLayer(config.family, index));
    this.batch = new BatchBuffers(device, config.heads);
    this.workspace = new Workspace(device, 'activations');
  }

  /**
   * Uploads a batch ahead of the pass over it, which then need not.
   * @throws CallerError where its plan asks for biases that the model does not have.
   */
  upload(batch: Batch): void {
    const { table } = batch.plan.heads[0];
    if (table?.learned && table.size !== this.config.biasTags) {
      throw new CallerError({
        what: `strategy "learned" over ${table.size} tags, and a model with biases of ${this.config.biasTags}`,
        expected: 'a model that was trained with strategy "learned" and as many tags',
      });
    }
    this.batch.write(batch);
  }

  /** Computes the logits of a batch, [sequences][classes]. Nothing is dropped. */
  async logits(batch: Batch): Promise<Float32Array[]> {
    const pass = this.pass(batch);
    const logits = this.recordForward(pass);
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
    this.recordGradients(pass, training?.step ?? 0);
    pass.recorder.submit();
  }

  /**
   * Submits one training step: forward, backward, update, in one command buffer. Nothing is read back.
   * @param training `step` counts from 1.
   * @param rate The learning rate.
   */
  trainStep(batch: Batch, training: TrainingStep, rate: number, options: AdamWOptions): void {
    const pass = this.pass(batch, training);
    this.recordGradients(pass, training.step);
    recordAdamW(pass.recorder, this.workspace, this.parameters, options, training.step, rate);
    pass.recorder.submit();
  }

  /** The mean losses of the steps `from` to `to`, both included, at most LOSS_HISTORY of them. */
  async readLosses(from: number, to: number): Promise<number[]> {
    const history = await readFloats(this.device, this.losses, LOSS_HISTORY);
    return Array.from({ length: to - from + 1 }, (_, index) => history[(from + index) % LOSS_HISTORY]);
  }

  release(): void {
    this.parameters.release();
    this.batch.release();
    this.workspace.release();
    this.device.release(this.losses);
  }

  private pass(batch: Batch, training?: TrainingStep): Pass {
    this.upload(batch);
    const { config, parameters, workspace } = this;
    return {
      recorder: new Recorder(this.device),
      config,
      parameters,
      batch: this.batch,
      workspace,
      training,
    };
  }

  private recordForward(pass: Pass): GPUBuffer {
    let hidden = recordEmbeddings(pass);
    for (const layer of this.layers) hidden = layer.recordForward(pass, hidden);
    return recordHead(pass, hidden);
  }

  private recordGradients(pass: Pass, step: number): void {
    // The tables' rows that do not occur in the batch must have no gradient; everything else is overwritten.
    pass.recorder.clear({ buffer: this.parameters.trainingBuffers.gradients });
    const logitsGradient = recordLoss(pass, this.recordForward(pass), this.losses, step % LOSS_HISTORY);
    let gradient = recordHeadBackward(pass, logitsGradient);
    for (const layer of [...this.layers].reverse()) gradient = layer.recordBackward(pass, gradient);
    recordEmbeddingsBackward(pass, gradient);
  }
}
