import type { Recorder } from '../gpu/recorder.js';
import { stretchesOf, type UpdatedPart } from './parameter-layout.js';
import { type Parameters, sliceOf } from './parameters.js';
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
  const { pieces, trainingBuffers } = parameters;
  const sums = pieces.map(({ length }, piece) => scratch.floats(`gradient sum ${piece}`, length));
  for (const stretch of stretchesOf(pieces, updated)) {
    const sum = sliceOf(sums, stretch);
    const gradients = sliceOf(trainingBuffers.gradients, stretch);
    if (index === 0) {
      recorder.copy(gradients, sum, 4 * stretch.length);
      continue;
    }
    const isLast = index === count - 1;
    const vectors = stretch.length / 4;
    recorder.dispatch({
      kernel: 'optimizer/add',
      buffers: isLast ? { addend: sum, sum: gradients } : { addend: gradients, sum },
      parameters: { vectors },
      grid: recorder.folded(Math.ceil(vectors / 64)),
    });
  }
}
