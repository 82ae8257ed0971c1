import fc from 'fast-check';
import { describe, it } from 'vitest';
import { type Activation, recordLinear, recordLinearBackward } from '../../src/nn/linear.js';
import {
  type Computed,
  computed,
  inBothPrecisions,
  type Numbers,
  type Round,
} from '../reference/arithmetic.js';
import { hiddenFactor } from '../reference/dropout.js';
import {
  geluBackward,
  geluForward,
  reluBackward,
  reluForward,
  tanhBackward,
  tanhForward,
} from '../reference/layers.js';
import { anyRows, anySeed, runs } from '../support/arbitraries.js';
import { FAMILIES } from '../support/device.js';
import { withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats, randomInteger } from '../support/random.js';

/** Numbers where the kernels' formulas change, and the ends of their range. */
const SPECIAL = [0, 1e-30, 0.15, 0.14999999, Math.SQRT2, 1.4142137, 12, 88].flatMap((x) => [x, -x]);

interface Reference {
  forward(x: Numbers, round: Round): Computed;
  /** From x and the gradient of f(x). */
  backward(x: Numbers, dy: Numbers, round: Round): Computed;
}

const REFERENCES: Record<Activation['name'], Reference> = {
  gelu: { forward: geluForward, backward: geluBackward },
  tanh: {
    forward: tanhForward,
    backward: (x, dy, round) => tanhBackward(tanhForward(x, round).values, dy, round),
  },
  relu: { forward: reluForward, backward: (x, dy) => reluBackward(reluForward(x).values, dy) },
};

const WIDTH = 8;
/** Products with it are exact. */
const IDENTITY = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => Number(i % (WIDTH + 1) === 0));

const anyCase = fc.record({
  name: fc.constantFrom('gelu', 'tanh', 'relu' as const),
  rows: anyRows,
  // Numbers of one size: the bound of a large number would hide the error of a small one.
  size: fc.constantFrom(1e-3, 0.1, 0.2, 0.5, 1.5, 3, 6, 100),
  probability: fc.constantFrom(undefined, 0.1, 0.5, 0.9, 1 / 3),
  at: fc.integer({ min: 0, max: 70 }),
  seed: anySeed,
});

describe.each(FAMILIES)('activation and dropout of a linear layer, %s kernels', (family) => {
  it('are applied after the product forward, and before the next product backward', async () => {
    const property = fc.asyncProperty(anyCase, ({ name, rows, size, probability, at, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const random = generator(seed);
        const x = randomFloats(random, WIDTH * rows, size);
        x.set(SPECIAL.filter((special) => Math.abs(special) <= size).slice(0, x.length));
        const dy = randomFloats(random, x.length, 0.3);
        const numbers = Uint32Array.from({ length: at + rows }, () => randomInteger(random, 0, 100_000));
        const dropout = probability ? { probability, stream: seed } : undefined;
        const positions = { buffer: buffers.input(numbers), at };
        const activation: Activation = { name, dropped: { dropout, positions } };
        const [input, weight, bias] = [x, IDENTITY, new Float32Array(WIDTH)].map((each) =>
          buffers.input(each),
        );
        const [output, activated, inputGradient] = [0, 1, 2].map(() => buffers.output(x.length));
        const shape = { rows, inputs: WIDTH, outputs: WIDTH };
        const forwardBuffers = { input, weight, bias, output };
        recordLinear(recorder, buffers.scratch, shape, forwardBuffers, { ...activation, output: activated });
        const backwardBuffers = {
          input: activated,
          weight,
          outputGradient: buffers.input(dy),
          inputGradient,
          weightGradient: buffers.output(IDENTITY.length),
          biasGradient: buffers.output(WIDTH),
        };
        const before = { activation: { ...activation, input: output } };
        recordLinearBackward(recorder, buffers.scratch, shape, backwardBuffers, before);
        recorder.submit();

        const product = { values: Float64Array.from(x), scale: 0 };
        await buffers.expectClose('output', output, product, product);
        const factor = (i: number) =>
          dropout ? hiddenFactor(dropout, numbers[at + Math.floor(i / WIDTH)], i % WIDTH) : 1;
        const scaled = ({ values, scale }: Computed, round: Round) =>
          computed(values.length, (i) => [round(values[i] * round(factor(i))), scale * factor(i)]);
        const reference = REFERENCES[name];
        const forward = inBothPrecisions((round) => scaled(reference.forward(x, round), round));
        await buffers.expectClose('activated', activated, forward.exact, forward.plain);
        const backward = inBothPrecisions((round) =>
          reference.backward(x, scaled({ values: Float64Array.from(dy), scale: 1 }, round).values, round),
        );
        await buffers.expectClose('input gradient', inputGradient, backward.exact, backward.plain);
      }, family),
    );
    await fc.assert(property, runs(60));
  });
});
