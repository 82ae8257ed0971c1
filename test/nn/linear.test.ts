import fc from 'fast-check';
import { describe, it } from 'vitest';
import { recordColumnSums } from '../../src/nn/column-sums.js';
import { recordLinear, recordLinearBackward } from '../../src/nn/linear.js';
import type { LinearShape } from '../../src/nn/linear-family.js';
import { computed, inBothPrecisions } from '../reference/arithmetic.js';
import { columnSums, linearBackward, linearForward } from '../reference/layers.js';
import { anyRows, anySeed, anyWidth, runs } from '../support/arbitraries.js';
import { FAMILIES } from '../support/device.js';
import { expectComputed, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats } from '../support/random.js';

/** Layers side by side have outputs in multiples of 64. */
const anyShape: fc.Arbitrary<LinearShape> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ rows: anyRows, inputs: anyWidth, outputs: anyWidth }) },
  {
    weight: 1,
    arbitrary: fc.record({
      rows: anyRows,
      inputs: anyWidth,
      outputs: fc.constant(192),
      layers: fc.constant(3),
    }),
  },
);

/** The index of an output of all layers in y, a matrix for each layer. */
function indexIn({ rows, outputs, layers = 1 }: LinearShape): (row: number, output: number) => number {
  const width = outputs / layers;
  return (row, output) => (Math.floor(output / width) * rows + row) * width + (output % width);
}

/** y of all layers as one matrix, [rows, outputs], and back. */
function inOneMatrix(shape: LinearShape, y: Float32Array, back = false): Float32Array {
  const indexOf = indexIn(shape);
  const result = new Float32Array(y.length);
  for (let index = 0; index < y.length; index++) {
    const at = indexOf(Math.floor(index / shape.outputs), index % shape.outputs);
    if (back) result[at] = y[index];
    else result[index] = y[at];
  }
  return result;
}

/** Several tiles in every direction, and a partial one in each. */
const LARGEST: [LinearShape, number] = [{ rows: 513, inputs: 260, outputs: 300 }, 1];

describe.each(FAMILIES)('linear layer, %s kernels', (family) => {
  it('is right forward', async () => {
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
        expectComputed('output', inOneMatrix(shape, await buffers.read(output)), exact, plain);
      }, family),
    );
    await fc.assert(property, { ...runs(50, 16), examples: [LARGEST] });
  });
});

/** On a GPU, workgroups divide the rows of a weight's gradient. */
describe.each([...FAMILIES, 'wide, as on a GPU'] as const)('linear layer, %s kernels', (family) => {
  it('has the gradients of input, weight and bias, and adds that of the input where asked', async () => {
    const property = fc.asyncProperty(anyShape, anySeed, (shape, seed) =>
      withBuffers(async (buffers, recorder) => {
        const { rows, inputs, outputs } = shape;
        const random = generator(seed);
        const x = randomFloats(random, rows * inputs, 3);
        const w = randomFloats(random, outputs * inputs);
        const dy = randomFloats(random, rows * outputs, 0.1);
        const before = randomFloats(random, rows * inputs);
        const outputGradientRows = inOneMatrix(shape, dy, true);
        const [weight, input, outputGradient] = [w, x, outputGradientRows].map((data) => buffers.input(data));
        const inputGradient = buffers.output(rows * inputs);
        const addedGradient = buffers.inPlace(before);
        const weightGradient = buffers.output(outputs * inputs);
        const biasGradient = buffers.output(outputs);
        const gradients = { weightGradient, biasGradient };
        const tensors = { input, weight, outputGradient };
        recordLinearBackward(recorder, buffers.scratch, shape, { ...tensors, ...gradients, inputGradient });
        const added = { ...tensors, ...gradients, inputGradient: addedGradient };
        recordLinearBackward(recorder, buffers.scratch, shape, added, { add: true });
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
  it('of the first columns go to one output, and those of the others to a second', async () => {
    const anyCase = fc.record({
      rows: fc.oneof({ weight: 9, arbitrary: anyRows }, { weight: 1, arbitrary: fc.constant(2100) }),
      widths: fc.array(anyWidth, { minLength: 1, maxLength: 2 }),
      seed: anySeed,
    });
    const property = fc.asyncProperty(anyCase, ({ rows, widths, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const columns = widths.reduce((sum, width) => sum + width);
        const input = randomFloats(generator(seed), rows * columns, 5);
        const outputs = widths.map((width) => ({ columns: width, output: buffers.output(width) }));
        const [first, second] = outputs;
        recordColumnSums(recorder, buffers.scratch, rows, buffers.input(input), first, second);
        recorder.submit();
        const sums: number[] = [];
        for (const { output } of outputs) sums.push(...(await buffers.read(output)));
        const { exact, plain } = inBothPrecisions((round) => columnSums(rows, columns, input, round));
        expectComputed('sums', Float32Array.from(sums), exact, plain);
      }),
    );
    await fc.assert(property, runs(40));
  });
});
