import { foldedGrid, type Recorder } from '../gpu/recorder.js';
import { type Parameters, partOf, type UpdatedPart } from './parameters.js';
import type { PartOfStep } from './pass.js';
import type { Scratch } from './scratch.js';

/**
 * Records that the gradients of a batch join those of the batches before it in the same step. With the last batch, the sum
 * stands where the gradients of one batch alone would: clipping and update need not know of it.
 */
export function recordAccumulation(
  recorder: Recorder,
  scratch: Scratch,
  parameters: Parameters,
  updated: UpdatedPart,
  { index, count }: PartOfStep,
): void {
  if (count === 1) return;
  const sum = partOf(scratch.floats('gradient sum', parameters.length), updated);
  const gradients = partOf(parameters.trainingBuffers.gradients, updated);
  if (index === 0) {
    recorder.copy(gradients, sum, 4 * updated.length);
    return;
  }
  const isLast = index === count - 1;
  const vectors = updated.length / 4;
  recorder.dispatch({
    kernel: 'add',
    buffers: isLast ? { addend: sum, sum: gradients } : { addend: gradients, sum },
    parameters: { vectors },
    grid: foldedGrid(Math.ceil(vectors / 64)),
  });
}
