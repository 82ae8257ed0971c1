import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordLoss } from '../../src/nn/loss.js';
import { BERT_TINY } from '../../src/nn/model-config.js';
import type { Pass } from '../../src/nn/pass.js';
import { inBothPrecisions } from '../reference/arithmetic.js';
import { crossEntropy } from '../reference/training.js';
import { anyRows, anySeed, runs } from '../support/arbitraries.js';
import { expectComputed, isPoison, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats, randomInteger } from '../support/random.js';

/** Rows of `stride` numbers: the first `columns` are those of `values`, the others are NaN and must not count. */
function padded(values: Float32Array, columns: number, stride: number): Float32Array {
  return Float32Array.from({ length: (values.length / columns) * stride }, (_, i) =>
    i % stride < columns ? values[Math.floor(i / stride) * columns + (i % stride)] : Number.NaN,
  );
}

describe('cross-entropy', () => {
  const anyCase = fc.record({
    rows: fc.oneof({ weight: 9, arbitrary: anyRows }, { weight: 1, arbitrary: fc.constant(1100) }),
    // From 256 classes on, a workgroup of a GPU shares a row; 700 are several for each invocation, and the last fewer.
    classes: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 2, max: 5 }) },
      { weight: 1, arbitrary: fc.constantFrom(255, 256, 700) },
    ),
    isSoftware: fc.boolean(),
    // With logits of 40, the probability of most classes is 0 in f32.
    size: fc.constantFrom(0.01, 1, 8, 40),
    lossAt: fc.integer({ min: 0, max: 20 }),
    seed: anySeed,
  });

  it('has the mean loss, and the gradient of the logits', async () => {
    const property = fc.asyncProperty(anyCase, ({ rows, classes, isSoftware, size, lossAt, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const stride = 4 * Math.ceil(classes / 4);
        const random = generator(seed);
        const logits = randomFloats(random, rows * classes, size);
        const labels = Uint32Array.from({ length: rows }, () => randomInteger(random, 0, classes - 1));
        const losses = buffers.output(lossAt + 1);
        // Only the parts of a pass that the loss reads: no model is needed here.
        const pass = {
          recorder: Object.create(recorder, {
            device: { value: Object.create(recorder.device, { isSoftware: { value: isSoftware } }) },
          }),
          config: { ...BERT_TINY, classes },
          batch: { rows, labels: buffers.input(labels) },
          workspace: buffers.scratch,
        } as unknown as Pass;
        const input = buffers.input(padded(logits, classes, stride));
        const gradient = recordLoss(pass, input, losses, lossAt);
        recorder.submit();

        const { exact, plain } = inBothPrecisions((round) => crossEntropy(classes, logits, labels, round));
        const written = await buffers.read(losses);
        expect(isPoison(written.subarray(0, lossAt)), 'untouched before the loss').toBe(true);
        expectComputed('loss', written.subarray(lossAt), exact.loss, plain.loss);
        const actual = await buffers.read(gradient, rows * stride);
        const counted = (_: number, index: number) => index % stride < classes;
        expectComputed('logits gradient', actual.filter(counted), exact.logits, plain.logits);
        const padding = actual.filter((value, index) => !counted(value, index));
        expect(padding, 'gradient of the padding').toEqual(new Float32Array(padding.length));
      }),
    );
    await fc.assert(property, runs(60));
  });
});
