import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { half } from '../../bench/reference-attention.js';
import { recordLinear, recordLinearBackward } from '../../src/nn/linear.js';
import { computed, exact, type Numbers } from '../reference/arithmetic.js';
import { columnSums, linearBackward, linearForward } from '../reference/layers.js';
import { anyRows, anySeed, anyWidth, runs } from '../support/arbitraries.js';
import { hasMatrices } from '../support/device.js';
import { withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats } from '../support/random.js';

const anyShape = fc.record({ rows: anyRows, inputs: anyWidth, outputs: anyWidth });
const halves = (x: Numbers) => Float64Array.from(x, half);

it('half gives the nearest number of f16', () => {
  expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, -(2 ** -24), 3 * 2 ** -26, 2047.5, 0].map(half)).toEqual([
    1,
    1 + 2 ** -9,
    -(2 ** -24),
    2 ** -24,
    2048,
    0,
  ]);
});

/** The bound is twice the error of a plain evaluation with operands in f16 and sums in f32. */
describe.skipIf(!(await hasMatrices()))(
  'linear layer in f16, where the adapter has subgroup matrices',
  () => {
    it('has the right output, and gradients of input, weight and bias', async () => {
      const property = fc.asyncProperty(anyShape, anySeed, (drawn, seed) =>
        withBuffers(async (buffers, recorder) => {
          const shape = { ...drawn, precision: 'f16' as const };
          const { rows, inputs, outputs } = shape;
          const random = generator(seed);
          const x = randomFloats(random, rows * inputs, 3);
          const w = randomFloats(random, outputs * inputs);
          const b = randomFloats(random, outputs, 2);
          const dy = randomFloats(random, rows * outputs, 0.1);
          const before = randomFloats(random, rows * inputs);
          const [input, weight, bias, outputGradient] = [x, w, b, dy].map((data) => buffers.input(data));
          const output = buffers.output(rows * outputs);
          const gradients = {
            inputGradient: buffers.inPlace(before),
            weightGradient: buffers.output(outputs * inputs),
            biasGradient: buffers.output(outputs),
          };
          recordLinear(recorder, buffers.scratch, shape, { input, weight, bias, output });
          const tensors = { input, weight, outputGradient, ...gradients };
          recordLinearBackward(recorder, buffers.scratch, shape, tensors, { add: true });
          recorder.submit();
          const [xh, wh, dyh] = [x, w, dy].map(halves);
          const forward = linearForward(shape, x, w, b);
          await buffers.expectClose('output', output, forward, linearForward(shape, xh, wh, b, Math.fround));
          const [backward, plain] = [
            linearBackward(shape, x, w, dy),
            linearBackward(shape, xh, wh, dyh, Math.fround),
          ];
          const added = ({ values, scale }: typeof plain.input, round = exact) =>
            computed(values.length, (i) => [round(before[i] + values[i]), scale + Math.abs(before[i])]);
          await buffers.expectClose(
            'input gradient, added',
            gradients.inputGradient,
            added(backward.input),
            added(plain.input, Math.fround),
          );
          await buffers.expectClose(
            'weight gradient',
            gradients.weightGradient,
            backward.weight,
            plain.weight,
          );
          const sums = columnSums(rows, outputs, dy, Math.fround);
          await buffers.expectClose('bias gradient', gradients.biasGradient, backward.bias, sums);
        }, 'matrix'),
      );
      const largest: [{ rows: number; inputs: number; outputs: number }, number] = [
        { rows: 513, inputs: 260, outputs: 300 },
        1,
      ];
      await fc.assert(property, { ...runs(30, 10), examples: [largest] });
    });

    it('gives no finite number for an operand beyond f16', async () => {
      await withBuffers(async (buffers, recorder) => {
        const input = buffers.input(Float32Array.of(1, 2, 7e4, 3, 1, 2, 3, 4));
        const weight = buffers.input(new Float32Array(16).fill(1));
        const bias = buffers.input(new Float32Array(4));
        const output = buffers.output(8);
        const shape = { rows: 2, inputs: 4, outputs: 4, precision: 'f16' as const };
        recordLinear(recorder, buffers.scratch, shape, { input, weight, bias, output });
        recorder.submit();
        const read = await buffers.read(output);
        expect(Array.from(read, Number.isFinite)).toEqual([
          false,
          false,
          false,
          false,
          true,
          true,
          true,
          true,
        ]);
      }, 'matrix');
    });
  },
);
