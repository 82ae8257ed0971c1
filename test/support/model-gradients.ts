import { expect } from 'vitest';
import { errorBound } from '../../bench/error-bound.js';
import type { Classifier } from '../../src/nn/classifier.js';
import type { TrainingStep } from '../../src/nn/pass.js';
import { type Computed, exact, plainInStrides, type Round } from '../reference/arithmetic.js';
import { referenceBert } from '../reference/bert.js';
import { largestError } from './error-bound.js';
import { expectComputed } from './guarded-buffers.js';
import { type BatchCase, factorsOf } from './model-cases.js';

/** Kernels in sequence whose errors a gradient accumulates, at least: two layers, forward and backward. */
const KERNELS = 8;

/**
 * The logits, the loss and every gradient of a batch against the reference's. Plain f32 is the same reference in f32, in
 * several orders of summation. The error of a whole model in a tensor of one or three numbers varies by chance, so the bound
 * takes the worst of four draws.
 */
export async function expectAll(
  classifier: Classifier,
  weights: Map<string, Float32Array>,
  { batch, reference }: BatchCase,
  training?: TrainingStep,
): Promise<void> {
  const { config, parameters } = classifier;
  const factors = training && factorsOf(config, training);
  const evaluate = (round: Round) => {
    const result = referenceBert(config, weights, { ...reference, factors }, round);
    return new Map([...result.gradients(), ['loss', result.loss], ['logits', result.logits]]);
  };
  const exactly = evaluate(exact);

  classifier.computeGradients(batch, training);
  const actual = await parameters.read(parameters.trainingBuffers.gradients);
  const step = training?.step ?? 0;
  actual.set('loss', Float32Array.from(await classifier.readLosses(step, step)));
  if (!training) {
    const logits = await classifier.logits(batch);
    actual.set('logits', Float32Array.from(logits.flatMap((row) => [...row])));
  } else {
    exactly.delete('logits');
  }
  expect([...actual.keys()].sort()).toEqual([...exactly.keys()].sort());
  const plainly: Map<string, Computed>[] = [];
  const worstOf = (name: string) => {
    const expected = exactly.get(name)!.values;
    const error = (plain: Map<string, Computed>) => largestError(plain.get(name)!.values, expected);
    return plainly.reduce((a, b) => (error(b) > error(a) ? b : a)).get(name)!;
  };
  const isWithin = ([name, values]: [string, Float32Array]) => {
    const expected = exactly.get(name)!;
    const bound = errorBound(expected.values, worstOf(name).values, expected.scale, KERNELS);
    return largestError(values, expected.values) <= bound;
  };
  for (const strides of [1, 2, 3, 5]) {
    plainly.push(evaluate(plainInStrides(strides)));
    // Another draw can only widen the bounds.
    if ([...actual].every(isWithin)) break;
  }
  for (const [name, values] of actual)
    expectComputed(name, values, exactly.get(name)!, worstOf(name), KERNELS);
}
