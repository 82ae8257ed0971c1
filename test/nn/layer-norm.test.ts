import fc from 'fast-check';
import { describe, it } from 'vitest';
import { recordLayerNorm, recordLayerNormBackward } from '../../src/nn/layer-norm.js';
import { inBothPrecisions, type Numbers, type Round } from '../reference/arithmetic.js';
import { hiddenFactor } from '../reference/dropout.js';
import { dropoutForward, layerNormBackward, layerNormForward } from '../reference/layers.js';
import { anyRows, anySeed, anyWidth, runs } from '../support/arbitraries.js';
import { FAMILIES } from '../support/device.js';
import { withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats, randomInteger } from '../support/random.js';

const anyCase = fc.record({
  rows: fc.oneof({ weight: 9, arbitrary: anyRows }, { weight: 1, arbitrary: fc.constant(1100) }),
  hidden: anyWidth,
  epsilon: fc.constantFrom(1e-12, 1e-5),
  // Means far from 0 show whether a variance is computed from differences or as E[x²] - E[x]².
  offset: fc.constantFrom(0, 0, 3, -100),
  size: fc.constantFrom(0.01, 1, 30),
  seed: anySeed,
});

describe.each(FAMILIES)('layer norm, %s kernels', (family) => {
  it('is right, forward and backward', async () => {
    const property = fc.asyncProperty(anyCase, ({ rows, hidden, epsilon, offset, size, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const shape = { rows, hidden, epsilon };
        const random = generator(seed);
        const x = randomFloats(random, rows * hidden, size).map((value) => value + offset);
        const gamma = randomFloats(random, hidden, 2);
        const beta = randomFloats(random, hidden);
        const dy = randomFloats(random, rows * hidden, 0.1);
        const [input, weight, bias, outputGradient] = [x, gamma, beta, dy].map((data) => buffers.input(data));
        const output = buffers.output(rows * hidden);
        const statistics = buffers.output(2 * rows);
        const inputGradient = buffers.output(rows * hidden);
        const weightGradient = buffers.output(hidden);
        const biasGradient = buffers.output(hidden);
        recordLayerNorm(recorder, shape, epsilon, { input, weight, bias, output, statistics });
        recordLayerNormBackward(recorder, buffers.scratch, shape, {
          input,
          weight,
          statistics,
          outputGradient,
          inputGradient,
          weightGradient,
          biasGradient,
        });
        recorder.submit();
        await buffers.read(statistics);

        const forward = inBothPrecisions((round) => layerNormForward(shape, x, gamma, beta, round));
        const { exact, plain } = inBothPrecisions((round) => layerNormBackward(shape, x, gamma, dy, round));
        await buffers.expectClose('output', output, forward.exact, forward.plain);
        await buffers.expectClose('input gradient', inputGradient, exact.input, plain.input);
        await buffers.expectClose('weight gradient', weightGradient, exact.weight, plain.weight);
        await buffers.expectClose('bias gradient', biasGradient, exact.bias, plain.bias);
      }, family),
    );
    await fc.assert(property, runs(60));
  });

  it('adds a dropped branch to its input, and gives the gradient of the branch', async () => {
    const anySum = fc.record({
      rows: anyRows,
      hidden: anyWidth,
      probability: fc.constantFrom(undefined, 0.1, 0.5),
      at: fc.integer({ min: 0, max: 70 }),
      seed: anySeed,
    });
    const property = fc.asyncProperty(anySum, ({ rows, hidden, probability, at, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const shape = { rows, hidden, epsilon: 1e-5 };
        const random = generator(seed);
        const [branch, residual, dy] = [0, 1, 2].map(() => randomFloats(random, rows * hidden, 2));
        const [gamma, beta] = [0, 1].map(() => randomFloats(random, hidden));
        const numbers = Uint32Array.from({ length: at + rows }, () => randomInteger(random, 0, 100_000));
        const dropout = probability ? { probability, stream: seed } : undefined;
        const positions = { buffer: buffers.input(numbers), at };
        const [input, output, inputGradient] = [0, 1, 2].map(() => buffers.output(rows * hidden));
        const [weight, bias, statistics] = [
          buffers.input(gamma),
          buffers.input(beta),
          buffers.output(2 * rows),
        ];
        recordLayerNorm(
          recorder,
          shape,
          shape.epsilon,
          { input, weight, bias, output, statistics },
          { branch: buffers.input(branch), residual: buffers.input(residual), dropout, positions },
        );
        const branchGradient = dropout && buffers.output(rows * hidden);
        recordLayerNormBackward(
          recorder,
          buffers.scratch,
          shape,
          {
            input,
            weight,
            statistics,
            outputGradient: buffers.input(dy),
            inputGradient,
            weightGradient: buffers.output(hidden),
            biasGradient: buffers.output(hidden),
          },
          branchGradient && { dropout, positions, branchGradient },
        );
        recorder.submit();
        const factor = (row: number, channel: number) =>
          dropout ? hiddenFactor(dropout, numbers[at + row], channel) : 1;
        const sum = inBothPrecisions((round) => dropoutForward(hidden, factor, branch, residual, round));
        await buffers.expectClose('sum', input, sum.exact, sum.plain);
        const x = await buffers.read(input);
        const norm = inBothPrecisions((round) => layerNormForward(shape, x, gamma, beta, round));
        await buffers.expectClose('output', output, norm.exact, norm.plain);
        if (!branchGradient) return;
        const dx = await buffers.read(inputGradient);
        const dropped = inBothPrecisions((round) => dropoutForward(hidden, factor, dx, undefined, round));
        await buffers.expectClose('branch gradient', branchGradient, dropped.exact, dropped.plain);
      }, family),
    );
    await fc.assert(property, runs(20));
  });

  it('drops its output', async () => {
    await withBuffers(async (buffers, recorder) => {
      const shape = { rows: 70, hidden: 60, epsilon: 1e-5 };
      const [random, at] = [generator(3), 5];
      const [x, dy] = [2, 0.1].map((size) => randomFloats(random, shape.rows * shape.hidden, size));
      const [gamma, beta] = [0, 1].map(() => randomFloats(random, shape.hidden));
      const numbers = Uint32Array.from({ length: at + shape.rows }, () => randomInteger(random, 0, 100_000));
      const dropout = { probability: 0.3, stream: 77 };
      const dropped = { dropout, positions: { buffer: buffers.input(numbers), at } };
      const [input, weight, bias, outputGradient] = [x, gamma, beta, dy].map((data) => buffers.input(data));
      const [output, inputGradient] = [0, 1].map(() => buffers.output(x.length));
      const [weightGradient, biasGradient] = [0, 1].map(() => buffers.output(shape.hidden));
      const statistics = buffers.output(2 * shape.rows);
      const forward = { input, weight, bias, output, statistics };
      recordLayerNorm(recorder, shape, shape.epsilon, forward, undefined, dropped);
      const gradients = { outputGradient, inputGradient, weightGradient, biasGradient };
      const backward = { input, weight, statistics, ...gradients };
      recordLayerNormBackward(recorder, buffers.scratch, shape, backward, dropped);
      recorder.submit();
      const factor = (row: number, channel: number) => hiddenFactor(dropout, numbers[at + row], channel);
      const drop = (values: Numbers, round: Round) =>
        dropoutForward(shape.hidden, factor, values, undefined, round).values;
      const y = inBothPrecisions((round) => {
        const { values, scale } = layerNormForward(shape, x, gamma, beta, round);
        return { values: drop(values, round), scale: scale / (1 - dropout.probability) };
      });
      await buffers.expectClose('output', output, y.exact, y.plain);
      const { exact, plain } = inBothPrecisions((round) =>
        layerNormBackward(shape, x, gamma, drop(dy, round), round),
      );
      await buffers.expectClose('input gradient', inputGradient, exact.input, plain.input);
      await buffers.expectClose('weight gradient', weightGradient, exact.weight, plain.weight);
      await buffers.expectClose('bias gradient', biasGradient, exact.bias, plain.bias);
    }, family);
  });

  it('of rows without any variance is the bias', async () => {
    await withBuffers(async (buffers, recorder) => {
      const shape = { rows: 9, hidden: 60, epsilon: 1e-12 };
      // Powers of two, whose sums and means are exact: 0 / √ε is left, and no rounding error over √ε.
      const x = new Float32Array(shape.rows * shape.hidden).map((_, i) => 2 ** Math.floor(i / shape.hidden));
      const gamma = randomFloats(generator(1), shape.hidden, 2);
      const beta = randomFloats(generator(2), shape.hidden);
      const output = buffers.output(x.length);
      recordLayerNorm(recorder, shape, shape.epsilon, {
        input: buffers.input(x),
        weight: buffers.input(gamma),
        bias: buffers.input(beta),
        output,
        statistics: buffers.output(2 * shape.rows),
      });
      recorder.submit();
      const values = Float64Array.from(x, (_, i) => beta[i % shape.hidden]);
      const expected = { values, scale: 1 };
      await buffers.expectClose('output', output, expected, expected);
    }, family);
  });
});
