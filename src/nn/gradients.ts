import type { Workspace } from '../gpu/buffers.js';
import type { BufferSlice } from '../gpu/pipelines.js';
import type { Recorder } from '../gpu/recorder.js';
import { rangesInShards, type UpdatedRange } from './parameter-layout.js';
import { type Parameters, sliceOf } from './parameters.js';
import type { MicroBatch } from './pass.js';

/**
 * Records the accumulation of a micro-batch's gradients. After the last one, the sum replaces the gradients of that micro-batch,
 * so that clipping and update do not depend on accumulation.
 */
export function recordAccumulation(
  recorder: Recorder,
  scratch: Workspace,
  { layout, trainingBuffers }: Parameters,
  updated: UpdatedRange,
  { index, count }: MicroBatch,
): void {
  if (count === 1) return;
  const sums = layout.shards.map(({ length }, shard) => scratch.floats(`gradient sum ${shard}`, length));
  for (const range of rangesInShards(layout.shards, updated)) {
    const sum = sliceOf(sums, range);
    const gradients = sliceOf(trainingBuffers.gradients, range);
    if (index === 0) {
      recorder.copy(gradients, sum, 4 * range.length);
      continue;
    }
    const isLast = index === count - 1;
    const vectors = range.length / 4;
    recorder.dispatch({
      kernel: 'optimizer/add',
      buffers: isLast ? { addend: sum, sum: gradients } : { addend: gradients, sum },
      parameters: { vectors },
      grid: recorder.folded(Math.ceil(vectors / 64)),
    });
  }
}

/** Vectors of the gradient whose squares one workgroup adds. */
const VECTORS_PER_GROUP = 4096;
/** Numbers that one workgroup adds. */
const BLOCK = 4 * VECTORS_PER_GROUP;

/**
 * Records sums of squares of the gradient, one for each block. Blocks are ranges of the layout, not of its buffers: the order of
 * the sum does not depend on the number of buffers. A block in several buffers is first copied to one.
 */
function recordSquaredSums(
  recorder: Recorder,
  scratch: Workspace,
  { layout, trainingBuffers }: Parameters,
  updated: UpdatedRange,
  partial: GPUBuffer,
): void {
  const record = (input: BufferSlice, length: number, firstBlock: number) =>
    recorder.dispatch({
      kernel: 'optimizer/squared_sums',
      buffers: { input, partial },
      parameters: { vectors: length / 4, vectors_per_group: VECTORS_PER_GROUP, first_group: firstBlock },
      grid: recorder.folded(Math.ceil(length / BLOCK)),
    });
  const { gradients } = trainingBuffers;
  const shared = new Set<number>();
  for (const { shard, at, offset, length } of rangesInShards(layout.shards, updated)) {
    const from = offset - updated.offset;
    const to = from + length;
    const firstWhole = Math.ceil(from / BLOCK);
    const end = to === updated.length ? to : BLOCK * Math.floor(to / BLOCK);
    if (from % BLOCK > 0) shared.add(firstWhole - 1);
    const start = BLOCK * firstWhole;
    if (start >= end) continue;
    const blocks = { shard, at: at + start - from, length: end - start };
    record(sliceOf(gradients, blocks), blocks.length, firstWhole);
  }
  if (shared.size === 0) return;
  const together = scratch.floats('gradient block', BLOCK);
  for (const block of shared) {
    const offset = updated.offset + BLOCK * block;
    const length = Math.min(BLOCK, updated.length - BLOCK * block);
    for (const range of rangesInShards(layout.shards, { offset, length })) {
      const to = { buffer: together, offset: 4 * (range.offset - offset) };
      recorder.copy(sliceOf(gradients, range), to, 4 * range.length);
    }
    record({ buffer: together }, length, block);
  }
}

/** The offsets of a step's outcome in a buffer of f32 numbers. */
export interface OutcomeOffsets {
  buffer: GPUBuffer;
  /** The step's loss, already written. */
  lossAt: number;
  /** The step's gradient norm. */
  normAt: number;
  /** A flag: 1 after the first step whose loss or norm was not finite. Parameters are then no longer updated. */
  haltedAt: number;
  /** Where the loss is scaled: its scale, the steps since it changed and the skipped steps are three numbers. */
  scale?: { at: number; growthInterval: number };
}

/** Records gradient ← scale · gradient, for the gradient of `length` logits, a multiple of four. */
export function recordScaledLoss(
  recorder: Recorder,
  { buffer, scale }: OutcomeOffsets,
  gradient: GPUBuffer,
  length: number,
): void {
  if (!scale) return;
  recorder.dispatch({
    kernel: 'optimizer/scale_loss',
    buffers: { outcomes: buffer, gradient },
    parameters: { vectors: length / 4, scale_at: scale.at },
    grid: recorder.folded(Math.ceil(length / 4 / 64)),
  });
}

/**
 * Records the norm of the updated parameters' gradient, and the factor that clips it.
 * @returns Two numbers: norm and factor. The factor is negative where the run is halted.
 */
export function recordClipFactor(
  recorder: Recorder,
  scratch: Workspace,
  parameters: Parameters,
  maxGradNorm: number,
  { buffer: outcomes, lossAt, normAt, haltedAt, scale }: OutcomeOffsets,
  updated: UpdatedRange = parameters.layout.all,
): GPUBuffer {
  const blocks = Math.ceil(updated.length / BLOCK);
  const partial = scratch.floats('squared sums', blocks);
  const clip = scratch.floats('clip factor', 2);
  recordSquaredSums(recorder, scratch, parameters, updated, partial);
  recorder.dispatch({
    kernel: 'optimizer/clip_factor',
    buffers: { partial, outcomes, clip },
    parameters: {
      count: blocks,
      loss_at: lossAt,
      norm_at: normAt,
      halted_at: haltedAt,
      largest: maxGradNorm,
      scale_at: scale?.at ?? 0,
      growth_interval: scale?.growthInterval ?? 0,
    },
    grid: [1],
  });
  return clip;
}
