import { DevicePlan } from '../attention/device-plan.js';
import { Workspace, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { type Batch, groupByRow } from './batch.js';
import type { ModelConfig } from './model-config.js';
import { NO_ROW } from './pointwise.js';
import type { Positions } from './row-dropout.js';

/** A batch on the GPU, in the layout's order. */
export interface UploadedBatch {
  plan: DevicePlan;
  tokens: number;
  /** Rows with logits. */
  rows: number;
  /** [3, tokens]: token ids, then positions, then tags. */
  ids: GPUBuffer;
  /** Tokens grouped by their row of the word table, and the number of rows that occur. */
  byWord: { buffer: GPUBuffer; rows: number };
  byPosition: { buffer: GPUBuffer; rows: number };
  /** Left out where the model has no embeddings of tags. */
  byTag?: { buffer: GPUBuffer; rows: number };
  /** [rows], 0 where the batch has no labels. */
  labels: GPUBuffer;
  /** For each row with logits, its token. */
  outputTokens: Positions;
  /** For each token, its row with logits, or NO_ROW. */
  rowOfToken: Positions;
  /** 0, 1, 2 …: the position of a row with logits in the caller's order. */
  rowNumbers: Positions;
  /** For each token, its position in the caller's order. */
  positions: Positions;
}

/** The GPU buffers of a batch, which later batches overwrite. */
export class BatchBuffers {
  private readonly plan: DevicePlan;
  private readonly workspace: Workspace;
  private current: { batch: Batch; uploaded: UploadedBatch } | undefined;

  constructor(
    private readonly device: Device,
    private readonly config: Pick<ModelConfig, 'heads' | 'tagEmbeddings'>,
  ) {
    this.plan = new DevicePlan(device);
    this.workspace = new Workspace(device, 'batch');
  }

  /** Uploads a batch and overwrites the previous one. Does nothing for the current batch. */
  write(batch: Batch): UploadedBatch {
    if (batch === this.current?.batch) return this.current.uploaded;
    const { layout, outputTokens, byWord, byPosition } = batch;
    const rows = outputTokens.length;
    const rowOfToken = new Uint32Array(layout.tokens).fill(NO_ROW);
    outputTokens.forEach((token, row) => {
      rowOfToken[token] = row;
    });
    const rowNumbers = Uint32Array.from({ length: rows }, (_, index) => index);
    const { heads, tagEmbeddings } = this.config;
    const byTag = tagEmbeddings ? groupByRow(batch.ids.subarray(2 * layout.tokens)) : undefined;
    this.plan.write(layout, heads);
    const { buffer, at } = this.plan.words;
    const uploaded = {
      plan: this.plan,
      tokens: layout.tokens,
      rows,
      ids: this.upload('ids', batch.ids),
      byWord: { buffer: this.upload('by word', byWord.words), rows: byWord.rows },
      byPosition: { buffer: this.upload('by position', byPosition.words), rows: byPosition.rows },
      byTag: byTag && { buffer: this.upload('by tag', byTag.words), rows: byTag.rows },
      outputTokens: { buffer: this.upload('output tokens', outputTokens), at: 0 },
      rowOfToken: { buffer: this.upload('row of token', rowOfToken), at: 0 },
      rowNumbers: { buffer: this.upload('row numbers', rowNumbers), at: 0 },
      labels: this.upload('labels', batch.labels ?? new Uint32Array(rows)),
      positions: { buffer, at: at.positionsAt },
    };
    this.current = { batch, uploaded };
    return uploaded;
  }

  release(): void {
    this.plan.release();
    this.workspace.release();
  }

  private upload(name: string, words: Uint32Array): GPUBuffer {
    const buffer = this.workspace.floats(name, words.length);
    write(this.device, buffer, words);
    return buffer;
  }
}
