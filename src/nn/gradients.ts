import type { Workspace } from '../gpu/buffers.js';
import type { BufferSlice } from '../gpu/pipelines.js';
import type { Recorder } from '../gpu/recorder.js';
import { rangesInShards, type UpdatedRange } from './parameter-layout.js';
import { type Parameters, sliceOf } from './parameters.js';
import type { MicroBatch } from './pass.js';

/**
 * Records that the gradients of a batch are added to those of the batches before it in the same step. With the last batch, the
 * sum replaces the gradients of that batch alone: clipping and update need not know of it.
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

/** Vectors of the gradient that one workgroup squares and adds up. */
const VECTORS_PER_GROUP = 4096;
/** Numbers of such a block. */
const BLOCK = 4 * VECTORS_PER_GROUP;

/**
 * Records sums of squares of the gradient, one for each block. Blocks are counted over the layout, not over its buffers: the
 * same numbers are added in the same order, however many buffers there are. A block that buffers share is copied together.
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
    const begin = BLOCK * firstWhole;
    if (begin >= end) continue;
    const blocks = { shard, at: at + begin - from, length: end - begin };
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

/** Where in a buffer of f32 numbers the outcome of a step is. */
export interface OutcomeOffsets {
  buffer: GPUBuffer;
  /** Of the step's loss, which is there already. */
  lossAt: number;
  /** Where its gradient norm goes. */
  normAt: number;
  /** Of a 1 from the first step on whose loss or norm was not finite; parameters are not updated any more. */
  haltedAt: number;
}

/**
 * Records the norm of the gradient of all that is updated, and the factor that clips it.
 * @returns Two numbers: norm and factor; a negative factor where the run is halted.
 */
export function recordClipFactor(
  recorder: Recorder,
  scratch: Workspace,
  parameters: Parameters,
  maxGradNorm: number,
  { buffer: outcomes, lossAt, normAt, haltedAt }: OutcomeOffsets,
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
    },
    grid: [1],
  });
  return clip;
}
