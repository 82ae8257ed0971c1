import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordColumnSums } from '../../src/nn/column-sums.js';
import { type LinearShape, recordLinear, recordLinearBackward } from '../../src/nn/linear.js';
import { computed, inBothPrecisions } from '../reference/arithmetic.js';
import { columnSums, linearBackward, linearForward } from '../reference/layers.js';
import { anyRows, anySeed, anyWidth, runs } from '../support/arbitraries.js';
import { FAMILIES } from '../support/device.js';
import { expectComputed, isPoison, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats } from '../support/random.js';

const anyShape = fc.record({ rows: anyRows, inputs: anyWidth, outputs: anyWidth });

/** Several tiles in every direction, and a partial one in each. */
const LARGEST: [LinearShape, number] = [{ rows: 513, inputs: 260, outputs: 300 }, 1];

describe.each(FAMILIES)('linear layer, %s kernels', (family) => {
  it('forward', async () => {
    const property = fc.asyncProperty(anyShape, anySeed, (shape, seed) =>
      withBuffers(async (buffers, recorder) => {
        const random = generator(seed);
        const input = randomFloats(random, shape.rows * shape.inputs, 3);
        const weight = randomFloats(random, shape.outputs * shape.inputs);
        const bias = randomFloats(random, shape.outputs, 2);
        const output = buffers.output(shape.rows * shape.outputs);
        recordLinear(recorder, buffers.scratch, shape, {
          input: buffers.input(input),
          weight: buffers.input(weight),
          bias: buffers.input(bias),
          output,
        });
        recorder.submit();
        const { exact, plain } = inBothPrecisions((round) =>
          linearForward(shape, input, weight, bias, round),
        );
        await buffers.expectClose('output', output, exact, plain);
      }, family),
    );
    await fc.assert(property, { ...runs(50, 16), examples: [LARGEST] });
  });
});

/** On a GPU, workgroups divide the rows of a weight's gradient. */
describe.each([...FAMILIES, 'wide, as on a GPU'] as const)('linear layer, %s kernels', (family) => {
  it('backward: gradients of input, weight and bias; added to the input gradient', async () => {
    const property = fc.asyncProperty(anyShape, anySeed, (shape, seed) =>
      withBuffers(async (buffers, recorder) => {
        const { rows, inputs, outputs } = shape;
        const random = generator(seed);
        const x = randomFloats(random, rows * inputs, 3);
        const w = randomFloats(random, outputs * inputs);
        const dy = randomFloats(random, rows * outputs, 0.1);
        const before = randomFloats(random, rows * inputs);
        const [weight, input, outputGradient] = [w, x, dy].map((data) => buffers.input(data));
        const inputGradient = buffers.output(rows * inputs);
        const addedGradient = buffers.inPlace(before);
        const weightGradient = buffers.output(outputs * inputs);
        const biasGradient = buffers.output(outputs);
        const gradients = { weightGradient, biasGradient };
        const given = { input, weight, outputGradient };
        recordLinearBackward(recorder, buffers.scratch, shape, { ...given, ...gradients, inputGradient });
        const added = { ...given, ...gradients, inputGradient: addedGradient };
        recordLinearBackward(recorder, buffers.scratch, shape, added, true);
        recorder.submit();
        const { exact, plain } = inBothPrecisions((round) => {
          const gradients = linearBackward(shape, x, w, dy, round);
          const { values, scale } = gradients.input;
          const added = computed(values.length, (i) => [
            round(before[i] + values[i]),
            scale + Math.abs(before[i]),
          ]);
          return { ...gradients, added };
        });
        await buffers.expectClose('input gradient', inputGradient, exact.input, plain.input);
        await buffers.expectClose('input gradient, added', addedGradient, exact.added, plain.added);
        await buffers.expectClose('weight gradient', weightGradient, exact.weight, plain.weight);
        await buffers.expectClose('bias gradient', biasGradient, exact.bias, plain.bias);
      }, family),
    );
    await fc.assert(property, { ...runs(40, 10), examples: [LARGEST] });
  });
});

describe('column sums', () => {
  it('of some columns of a wider input, to an offset of the output', async () => {
    const anyCase = fc.record({
      rows: fc.oneof({ weight: 9, arbitrary: anyRows }, { weight: 1, arbitrary: fc.constant(2100) }),
      columns: fc.integer({ min: 1, max: 150 }),
      inputAt: fc.integer({ min: 0, max: 70 }),
      after: fc.integer({ min: 0, max: 70 }),
      outputAt: fc.integer({ min: 0, max: 9 }),
      seed: anySeed,
    });
    const property = fc.asyncProperty(anyCase, ({ rows, columns, inputAt, after, outputAt, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const stride = inputAt + columns + after;
        // Everything outside the columns is NaN, so that a sum over any of it shows.
        const input = new Float32Array(rows * stride).fill(Number.NaN);
        const summed = randomFloats(generator(seed), rows * columns, 5);
        for (let row = 0; row < rows; row++) {
          input.set(summed.subarray(row * columns, (row + 1) * columns), row * stride + inputAt);
        }
        const output = buffers.output(outputAt + columns);
        const shape = { rows, columns, stride, inputAt };
        recordColumnSums(recorder, buffers.scratch, shape, buffers.input(input), output, outputAt);
        recorder.submit();
        const written = await buffers.read(output);
        expect(isPoison(written.subarray(0, outputAt)), 'untouched before the sums').toBe(true);
        const { exact, plain } = inBothPrecisions((round) => columnSums(rows, columns, summed, round));
        expectComputed('sums', written.subarray(outputAt), exact, plain);
      }),
    );
    await fc.assert(property, runs(40));
  });
});
