import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordActivation, recordActivationBackward } from '../../src/nn/pointwise.js';
import { inBothPrecisions } from '../reference/arithmetic.js';
import {
  geluBackward,
  geluForward,
  reluBackward,
  reluForward,
  tanhBackward,
  tanhForward,
} from '../reference/layers.js';
import { anySeed, runs } from '../support/arbitraries.js';
import { expectComputed, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats } from '../support/random.js';

/** Numbers where the kernels' formulas change, and the ends of their range. */
const SPECIAL = [0, 1e-30, 0.15, 0.14999999, Math.SQRT2, 1.4142137, 12, 88].flatMap((x) => [x, -x]);

/** Numbers of one size: the bound of a large number would hide the error of a small one. */
const anyNumbers = fc
  .record({
    vectors: fc.oneof(fc.constantFrom(1, 63, 64, 65), fc.integer({ min: 1, max: 3000 })),
    size: fc.constantFrom(1e-3, 0.1, 0.2, 0.5, 1.5, 3, 6, 100),
    seed: anySeed,
  })
  .map(({ vectors, size, seed }) => {
    const random = generator(seed);
    const x = randomFloats(random, 4 * vectors, size);
    const specials = SPECIAL.filter((special) => Math.abs(special) <= size).slice(0, x.length);
    x.set(specials);
    return { x, dy: randomFloats(random, x.length, 0.3) };
  });

describe('activations', () => {
  it('gelu forward and backward', async () => {
    const property = fc.asyncProperty(anyNumbers, ({ x, dy }) =>
      withBuffers(async (buffers, recorder) => {
        const input = buffers.input(x);
        const output = buffers.output(x.length);
        const inputGradient = buffers.output(x.length);
        recordActivation(recorder, 'layers/gelu_forward', x.length, { input, output });
        recordActivationBackward(recorder, 'layers/gelu_backward', x.length, {
          saved: input,
          outputGradient: buffers.input(dy),
          inputGradient,
        });
        recorder.submit();
        const forward = inBothPrecisions((round) => geluForward(x, round));
        const backward = inBothPrecisions((round) => geluBackward(x, dy, round));
        await buffers.expectClose('output', output, forward.exact, forward.plain);
        await buffers.expectClose('input gradient', inputGradient, backward.exact, backward.plain);
      }),
    );
    await fc.assert(property, runs(60));
  });

  it('tanh forward and backward', async () => {
    const property = fc.asyncProperty(anyNumbers, ({ x, dy }) =>
      withBuffers(async (buffers, recorder) => {
        const y = x.map(Math.tanh);
        const output = buffers.output(x.length);
        const inputGradient = buffers.output(x.length);
        recordActivation(recorder, 'layers/tanh_forward', x.length, { input: buffers.input(x), output });
        recordActivationBackward(recorder, 'layers/tanh_backward', x.length, {
          saved: buffers.input(y),
          outputGradient: buffers.input(dy),
          inputGradient,
        });
        recorder.submit();
        const forward = inBothPrecisions((round) => tanhForward(x, round));
        const backward = inBothPrecisions((round) => tanhBackward(y, dy, round));
        await buffers.expectClose('output', output, forward.exact, forward.plain);
        await buffers.expectClose('input gradient', inputGradient, backward.exact, backward.plain);
      }),
    );
    await fc.assert(property, runs(60));
  });

  it('relu forward and backward', async () => {
    const property = fc.asyncProperty(anyNumbers, ({ x, dy }) =>
      withBuffers(async (buffers, recorder) => {
        const y = Float32Array.from(reluForward(x).values);
        const output = buffers.output(x.length);
        const inputGradient = buffers.output(x.length);
        recordActivation(recorder, 'layers/relu_forward', x.length, { input: buffers.input(x), output });
        recordActivationBackward(recorder, 'layers/relu_backward', x.length, {
          saved: buffers.input(y),
          outputGradient: buffers.input(dy),
          inputGradient,
        });
        recorder.submit();
        // Nothing is rounded: the bits must be the reference's.
        expect(await buffers.read(output)).toEqual(y);
        expect(await buffers.read(inputGradient)).toEqual(Float32Array.from(reluBackward(y, dy).values));
      }),
    );
    await fc.assert(property, runs(30));
  });

  it('of more workgroups than one dimension of a grid holds', async () => {
    await withBuffers(async (buffers, recorder) => {
      const length = 4 * (65_535 * 64 + 1);
      const x = new Float32Array(length).map((_, i) => (i % 1024) / 256 - 2);
      const output = buffers.output(length);
      recordActivation(recorder, 'layers/tanh_forward', length, { input: buffers.input(x), output });
      recorder.submit();
      const actual = await buffers.read(output);
      const once = actual.slice(0, 1024);
      const different = actual.findIndex((value, i) => !Object.is(value, once[i % 1024]));
      expect(different, 'the first number that differs from its likes').toBe(-1);
      const { exact, plain } = inBothPrecisions((round) => tanhForward(x.subarray(0, 1024), round));
      expectComputed('output', once, exact, plain);
    });
  });
});
