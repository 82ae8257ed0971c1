import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADAMW_DEFAULTS, recordAdamW } from '../../src/nn/adamw.js';
import { type OutcomeOffsets, recordClipFactor } from '../../src/nn/gradients.js';
import type { Parameters } from '../../src/nn/parameters.js';
import { computed, inBothPrecisions, type Round } from '../reference/arithmetic.js';
import { adamWStep, clipFactor } from '../reference/training.js';
import { anySeed, runs } from '../support/arbitraries.js';
import { expectComputed, type GuardedBuffers, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats } from '../support/random.js';

/** Multiples of four at and around the 16,384 numbers that one workgroup squares and adds up. */
const anyLength = fc.oneof(
  fc.constantFrom(4, 252, 256, 260, 16_380, 16_384, 16_388, 81_924),
  fc.integer({ min: 1, max: 5000 }).map((vectors) => 4 * vectors),
);

const anySize = fc.constantFrom(1e-6, 1e-3, 0.1, 10);

/** What the optimizer reads of a model's parameters: any length, with guards after the end. */
function fakeParameters(
  buffers: GuardedBuffers,
  decayedLength: number,
  biases: number,
  data: Record<'parameter' | 'gradient' | 'firstMoment' | 'secondMoment', Float32Array>,
): Parameters {
  return {
    layout: {
      all: { offset: 0, length: data.parameter.length, decayedLength },
      learnedBiases: { offset: decayedLength, length: biases },
      shards: [{ offset: 0, length: data.parameter.length }],
    },
    values: [buffers.inPlace(data.parameter)],
    trainingBuffers: {
      gradients: [buffers.input(data.gradient)],
      firstMoment: [buffers.inPlace(data.firstMoment)],
      secondMoment: [buffers.inPlace(data.secondMoment)],
    },
  } as unknown as Parameters;
}

/** The offsets of a step's loss, and of the norm that the step writes. */
function outcomeIn(buffers: GuardedBuffers, loss = 0.7, halted = 0): OutcomeOffsets {
  const buffer = buffers.inPlace(Float32Array.of(loss, -1, halted, 0));
  return { buffer, lossAt: 0, normAt: 1, haltedAt: 2 };
}

function clipAsComputed(gradient: Float32Array, largest: number, round: Round) {
  const { norm, factor } = clipFactor(gradient, largest, round);
  return { norm: computed(1, () => [norm, norm]), factor: computed(1, () => [factor, factor]) };
}

describe('the clip factor', () => {
  const check = (length: number, size: number, largest: number, seed: number) =>
    withBuffers(async (buffers, recorder) => {
      const gradient = randomFloats(generator(seed), length, size);
      const data = { parameter: gradient, gradient, firstMoment: gradient, secondMoment: gradient };
      const parameters = fakeParameters(buffers, 0, 0, data);
      const outcome = outcomeIn(buffers);
      const clip = recordClipFactor(recorder, buffers.scratch, parameters, largest, outcome);
      recorder.submit();
      const written = await buffers.read(clip, 2);
      const { exact, plain } = inBothPrecisions((round) => clipAsComputed(gradient, largest, round));
      expectComputed('norm', written.subarray(0, 1), exact.norm, plain.norm);
      const [loss, norm, halted] = await buffers.read(outcome.buffer);
      expect([loss, norm, halted]).toEqual([Math.fround(0.7), written[0], 0]);
      expectComputed('factor', written.subarray(1), exact.factor, plain.factor);
    });

  it('and the norm are right for any gradient', async () => {
    const anyCase = fc.tuple(anyLength, anySize, fc.constantFrom(0, 0.01, 1, 1e6), anySeed);
    await fc.assert(
      fc.asyncProperty(anyCase, (values) => check(...values)),
      runs(40),
    );
  });

  it('is right for more blocks than the second pass has invocations', () => check(1_200_004, 0.1, 1, 7));

  it('is right for a gradient of zeros', () => check(260, 0, 1, 7));
});

describe('the loss scale', () => {
  /** @returns Loss, norm, halted, scale, steps since the scale changed, skipped steps, and the clip factor. */
  const stepped = async (gradient: number[], scale: number, steps: number, loss = 0.5) => {
    let result: number[] = [];
    await withBuffers(async (buffers, recorder) => {
      const data = Float32Array.from(gradient);
      const all = { parameter: data, gradient: data, firstMoment: data, secondMoment: data };
      const buffer = buffers.inPlace(Float32Array.of(loss, -1, 0, scale, steps, 7));
      const outcome = { buffer, lossAt: 0, normAt: 1, haltedAt: 2, scale: { at: 3, growthInterval: 2000 } };
      const parameters = fakeParameters(buffers, 0, 0, all);
      const clip = recordClipFactor(recorder, buffers.scratch, parameters, 0, outcome);
      recorder.submit();
      result = [...(await buffers.read(buffer)), (await buffers.read(clip, 2))[1]];
    });
    return result;
  };
  const scaled = [24, 32, 0, 0]; // of norm 5, times 8

  it('divides norm and gradient, and doubles after enough steps', async () => {
    expect(await stepped(scaled, 8, 3)).toEqual([0.5, 5, 0, 8, 4, 7, 0.125]);
    expect(await stepped(scaled, 8, 1999)).toEqual([0.5, 5, 0, 16, 0, 7, 0.125]);
  });

  it('is halved by a gradient that is not finite, and the step is skipped and counted', async () => {
    expect(await stepped([Number.NaN, 1, 0, 0], 8, 3)).toEqual([0.5, 0, 0, 4, 0, 8, -1]);
    const [, , halted, , , skipped, factor] = await stepped([Number.NaN, 1, 0, 0], 1, 3);
    expect([halted, skipped, factor], 'at the smallest scale').toEqual([1, 7, -1]);
    const [, , ofLoss] = await stepped(scaled, 8, 3, Number.NaN);
    expect(ofLoss, 'halted by its loss').toBe(1);
  });
});

describe('a step changes the parameters only where all of it is finite:', () => {
  const length = 260;
  const gradientWith = (bad: number) => new Float32Array(length).fill(0.1).fill(bad, 77, 78);

  it.each<[string, { gradient?: number; loss?: number; halted?: number; stays: boolean }]>([
    ['a NaN among the gradients', { gradient: Number.NaN, stays: true }],
    ['an infinite gradient', { gradient: Number.NEGATIVE_INFINITY, stays: true }],
    ['a gradient whose square overflows', { gradient: 1e20, stays: true }],
    ['a loss that is NaN', { loss: Number.NaN, stays: true }],
    ['an infinite loss', { loss: Number.POSITIVE_INFINITY, stays: true }],
    ['a step before it that was not finite', { halted: 1, stays: true }],
    ['large numbers that are finite', { gradient: 1e18, loss: 3e38, stays: false }],
  ])('%s', (_, { gradient = 0.1, loss, halted, stays }) =>
    withBuffers(async (buffers, recorder) => {
      const parameter = new Float32Array(length).fill(0.5);
      const before = {
        parameter,
        gradient: gradientWith(gradient),
        firstMoment: new Float32Array(length).fill(0.01),
        secondMoment: new Float32Array(length).fill(0.001),
      };
      const parameters = fakeParameters(buffers, length, 0, before);
      const outcome = outcomeIn(buffers, loss, halted);
      recordAdamW(recorder, buffers.scratch, parameters, ADAMW_DEFAULTS, 3, 1e-2, outcome);
      recorder.submit();
      const { firstMoment, secondMoment } = parameters.trainingBuffers;
      const after = {
        parameter: await buffers.read(parameters.values[0]),
        firstMoment: await buffers.read(firstMoment[0]),
        secondMoment: await buffers.read(secondMoment[0]),
      };
      for (const [name, values] of Object.entries(after)) {
        expect(values.every(Number.isFinite), name).toBe(true);
        const moved = values.some((value, i) => value !== before[name as keyof typeof after][i]);
        expect(moved, name).toBe(!stays);
      }
      expect((await buffers.read(outcome.buffer))[2]).toBe(stays ? 1 : 0);
    }),
  );
});

describe('AdamW', () => {
  const anyCase = fc.record({
    length: anyLength,
    // The share of the parameters that decay.
    decayed: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
    // The share of learned biases among the others, and the factor of their learning rate.
    biases: fc.constantFrom(0, 0.3, 1),
    biasRateFactor: fc.constantFrom(1, 20),
    step: fc.constantFrom(1, 2, 10, 5000),
    rate: fc.constantFrom(2e-5, 1e-2),
    weightDecay: fc.constantFrom(0, 0.01, 0.5),
    maxGradNorm: fc.constantFrom(0, 1),
    parameterSize: fc.constantFrom(0, 0.05, 3),
    gradientSize: anySize,
    momentSize: fc.constantFrom(0, 1e-4, 1),
    seed: anySeed,
  });

  it('updates parameters and both moments', async () => {
    const property = fc.asyncProperty(anyCase, ({ length, step, rate, weightDecay, maxGradNorm, ...rest }) =>
      withBuffers(async (buffers, recorder) => {
        const random = generator(rest.seed);
        const before = {
          parameter: randomFloats(random, length, rest.parameterSize),
          gradient: randomFloats(random, length, rest.gradientSize),
          firstMoment: randomFloats(random, length, rest.momentSize),
          secondMoment: randomFloats(random, length, rest.momentSize ** 2).map(Math.abs),
        };
        const decayed = 4 * Math.floor((rest.decayed * length) / 4);
        const biases = 4 * Math.floor((rest.biases * (length - decayed)) / 4);
        const parameters = fakeParameters(buffers, decayed, biases, before);
        const { biasRateFactor } = rest;
        const options = { ...ADAMW_DEFAULTS, weightDecay, maxGradNorm, biasRateFactor };
        recordAdamW(recorder, buffers.scratch, parameters, options, step, rate, outcomeIn(buffers));
        recorder.submit();

        const expected = (name: string, from: number, to: number) =>
          inBothPrecisions((round) => {
            const { factor } = clipFactor(before.gradient, maxGradNorm, round);
            const part = {
              parameter: before.parameter.subarray(from, to),
              gradient: before.gradient.subarray(from, to),
              firstMoment: before.firstMoment.subarray(from, to),
              secondMoment: before.secondMoment.subarray(from, to),
            };
            const decay = from < decayed ? weightDecay : 0;
            const groupRate = name === 'biases' ? biasRateFactor * rate : rate;
            return adamWStep({ ...options, weightDecay: decay, rate: groupRate, step, factor }, part, round);
          });
        const parameter = await buffers.read(parameters.values[0]);
        const firstMoment = await buffers.read(parameters.trainingBuffers.firstMoment[0]);
        const secondMoment = await buffers.read(parameters.trainingBuffers.secondMoment[0]);
        for (const [name, from, to] of [
          ['decayed', 0, decayed],
          ['biases', decayed, decayed + biases],
          ['not decayed', decayed + biases, length],
        ] as const) {
          if (from === to) continue;
          const { exact, plain } = expected(name, from, to);
          expectComputed(`${name}: p`, parameter.subarray(from, to), exact.parameter, plain.parameter);
          expectComputed(`${name}: m`, firstMoment.subarray(from, to), exact.firstMoment, plain.firstMoment);
          expectComputed(
            `${name}: v`,
            secondMoment.subarray(from, to),
            exact.secondMoment,
            plain.secondMoment,
          );
        }
      }),
    );
    await fc.assert(property, runs(60));
  });
});
