import { PlanBuffers } from '../attention/plan-buffers.js';
import { Workspace, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { Batch } from './batch.js';
import { NO_ROW, type Positions } from './pointwise.js';

/** A batch on the GPU. One object serves every batch of a run, and its buffers with it. */
export class BatchBuffers {
  readonly plan: PlanBuffers;
  private readonly workspace: Workspace;
  private current: Batch | undefined;

  /** @param heads Heads of the model's attention. */
  constructor(
    private readonly device: Device,
    private readonly heads: number,
  ) {
    this.plan = new PlanBuffers(device);
    this.workspace = new Workspace(device, 'batch');
  }

  /** Makes `batch` the current one: what is recorded from now on works on it. */
  write(batch: Batch): void {
    if (batch === this.current) return;
    const { plan, sequences, firstTokens } = batch;
    const sequenceOfToken = new Uint32Array(plan.tokens).fill(NO_ROW);
    firstTokens.forEach((token, sequence) => {
      sequenceOfToken[token] = sequence;
    });
    this.plan.write(plan, this.heads);
    this.current = batch;
    this.upload('ids', batch.ids);
    this.upload('by word', batch.byWord.words);
    this.upload('by position', batch.byPosition.words);
    this.upload('first tokens', firstTokens);
    this.upload('sequence of token', sequenceOfToken);
    this.upload(
      'sequence numbers',
      Uint32Array.from({ length: sequences }, (_, index) => index),
    );
    this.upload('labels', batch.labels ?? new Uint32Array(sequences));
  }

  get batch(): Batch {
    return this.current!;
  }

  get tokens(): number {
    return this.batch.plan.tokens;
  }

  get sequences(): number {
    return this.batch.sequences;
  }

  get ids(): GPUBuffer {
    return this.workspace.existing('ids');
  }

  get byWord(): { buffer: GPUBuffer; rows: number } {
    return { buffer: this.workspace.existing('by word'), rows: this.batch.byWord.rows };
  }

  get byPosition(): { buffer: GPUBuffer; rows: number } {
    return { buffer: this.workspace.existing('by position'), rows: this.batch.byPosition.rows };
  }

  get labels(): GPUBuffer {
    return this.workspace.existing('labels');
  }

  /** For each sequence, the token that is its [CLS]. */
  get firstTokens(): Positions {
    return { buffer: this.workspace.existing('first tokens'), at: 0 };
  }

  /** For each token, the sequence whose [CLS] it is, or NO_ROW. */
  get sequenceOfToken(): Positions {
    return { buffer: this.workspace.existing('sequence of token'), at: 0 };
  }

  /** 0, 1, 2 …: the place of a pooled row in the caller's order. */
  get sequenceNumbers(): Positions {
    return { buffer: this.workspace.existing('sequence numbers'), at: 0 };
  }

  /** For each token, its place in the caller's order. */
  get positions(): Positions {
    const { buffer, at } = this.plan.words;
    return { buffer, at: at.positionsAt };
  }

  release(): void {
    this.plan.release();
    this.workspace.release();
  }

  private upload(name: string, words: Uint32Array): void {
    write(this.device, this.workspace.floats(name, words.length), words);
  }
}
