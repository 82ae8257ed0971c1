import { describe, expect, it } from 'vitest';
import { generator, randomFloats } from '../support/random.js';
import { erf } from './erf.js';
import {
  embeddingBackward,
  embeddingForward,
  geluBackward,
  geluForward,
  layerNormBackward,
  layerNormForward,
  linearBackward,
  linearForward,
  reluBackward,
  reluForward,
  tanhBackward,
  tanhForward,
} from './layers.js';
import { crossEntropy } from './training.js';

const random = generator(5);
const numbers = (length: number, size = 1) => Float64Array.from(randomFloats(random, length, size));

/** Central differences of Σ weight · f(x), against an analytic gradient of it. */
function expectGradient(
  gradient: ArrayLike<number>,
  x: Float64Array,
  weight: ArrayLike<number>,
  f: () => ArrayLike<number>,
): void {
  const dot = () => Array.from(f()).reduce((sum, value, i) => sum + value * weight[i], 0);
  const step = 1e-5;
  expect(gradient.length).toBe(x.length);
  for (let i = 0; i < x.length; i++) {
    const before = x[i];
    x[i] = before + step;
    const above = dot();
    x[i] = before - step;
    const below = dot();
    x[i] = before;
    expect(gradient[i]).toBeCloseTo((above - below) / (2 * step), 7);
  }
}

describe('erf', () => {
  it.each([
    [0, 0],
    [1e-10, 1.1283791670955126e-10],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.4, 0.9993114861033549],
    [2.6, 0.9997639655834707],
    [3, 0.9999779095030014],
    [4, 0.9999999845827421],
    [30, 1],
  ])('of %d is %d', (x, expected) => {
    expect(Math.abs(erf(x) - expected)).toBeLessThanOrEqual(1e-15);
    expect(erf(-x) + erf(x)).toBe(0);
  });
});

describe('analytic gradients agree with finite differences', () => {
  it('for a linear layer', () => {
    const shape = { rows: 3, inputs: 4, outputs: 5 };
    const [x, w, b, dy] = [12, 20, 5, 15].map((length) => numbers(length));
    const f = () => linearForward(shape, x, w, b).values;
    const gradients = linearBackward(shape, x, w, dy);
    expectGradient(gradients.input.values, x, dy, f);
    expectGradient(gradients.weight.values, w, dy, f);
    expectGradient(gradients.bias.values, b, dy, f);
  });

  it('for layer norm', () => {
    const shape = { rows: 3, hidden: 8, epsilon: 1e-5 };
    const [x, w, b, dy] = [24, 8, 8, 24].map((length) => numbers(length));
    const f = () => layerNormForward(shape, x, w, b).values;
    const gradients = layerNormBackward(shape, x, w, dy);
    expectGradient(gradients.input.values, x, dy, f);
    expectGradient(gradients.weight.values, w, dy, f);
    expectGradient(gradients.bias.values, b, dy, f);
  });

  it('for gelu, tanh and relu', () => {
    const x = numbers(40, 3);
    const dy = numbers(40);
    expectGradient(geluBackward(x, dy).values, x, dy, () => geluForward(x).values);
    expectGradient(tanhBackward(x.map(Math.tanh), dy).values, x, dy, () => tanhForward(x).values);
    expectGradient(reluBackward(reluForward(x).values, dy).values, x, dy, () => reluForward(x).values);
  });

  it('for embeddings', () => {
    const table = numbers(5 * 4);
    const rowOfToken = [3, 1, 3, 3, 0];
    const dy = numbers(5 * 4);
    const gradient = embeddingBackward(5, 4, rowOfToken, dy).values;
    expectGradient(gradient, table, dy, () => embeddingForward(4, [{ table, rowOfToken }]).values);
  });

  it('for cross-entropy', () => {
    const logits = numbers(4 * 3, 4);
    const labels = [0, 2, 1, 2];
    const gradient = crossEntropy(3, logits, labels).logits.values;
    expectGradient(gradient, logits, [1], () => crossEntropy(3, logits, labels).loss.values);
  });
});
