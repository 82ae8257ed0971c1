import { EngineError } from '../base/errors.js';
import type { Classifier, StepOutcome } from '../nn/classifier.js';
import type { TensorValues } from '../nn/parameters.js';

/** The remedy for numbers out of range. */
const REMEDY =
  'lower the learning rate (--learning-rate), warm up for longer (--warmup-steps) or clip gradients to a smaller norm (--max-grad-norm)';

/** The first NaN or infinity of some values. */
function firstNonFinite(values: Float32Array): number | undefined {
  return values.find((value) => !Number.isFinite(value));
}

/**
 * Checks that weights are finite before they are saved.
 * @param where What errors name as the source.
 * @throws EngineError where one of them is NaN or infinite, with the first such tensor in the model's order.
 */
export function checkWeights(tensors: TensorValues, where: string): void {
  for (const [name, values] of tensors) {
    const bad = firstNonFinite(values);
    if (bad === undefined) continue;
    throw new EngineError({
      what: `tensor "${name}" holds ${bad}, and is not saved`,
      where,
      expected: 'finite numbers',
      remedy: REMEDY,
    });
  }
}

/** The index of the first step whose loss or norm is not finite; undefined where all are finite. */
export function firstNotFinite(outcomes: readonly StepOutcome[]): number | undefined {
  const index = outcomes.findIndex(({ loss, norm }) => !Number.isFinite(loss) || !Number.isFinite(norm));
  return index < 0 ? undefined : index;
}

/**
 * Finds the tensor that made a step not finite: the first weight that is not finite, from the embeddings to the classifier;
 * else the first such gradient, from the classifier to the embeddings, in the order of the backward pass.
 *
 * @param again Computes the gradients of each batch of the step again; the weights are still those before it.
 */
async function nonFiniteTensor(classifier: Classifier, again: readonly (() => void)[]): Promise<string> {
  const { parameters } = classifier;
  for (const [name, values] of await parameters.read()) {
    const bad = firstNonFinite(values);
    if (bad !== undefined) return `weight "${name}" holds ${bad}`;
  }
  let largest = { name: '', size: 0 };
  for (const compute of again) {
    compute();
    const gradients = [...(await parameters.read(parameters.trainingBuffers.gradients))];
    for (const [name, values] of gradients.reverse()) {
      const bad = firstNonFinite(values);
      if (bad !== undefined) {
        return `the first such gradient, from the classifier to the embeddings, is that of "${name}" (${bad})`;
      }
      const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      if (size > largest.size) largest = { name, size };
    }
  }
  return `the largest gradient is that of "${largest.name}" (${largest.size.toExponential(1)}), and the sum overflows`;
}

/** The error that ends a run at a step whose loss or gradient norm is not finite; see `nonFiniteTensor`. */
export async function notFiniteError(
  classifier: Classifier,
  step: number,
  { loss, norm }: StepOutcome,
  again: readonly (() => void)[],
): Promise<EngineError> {
  const what = Number.isFinite(loss) ? `the norm of the gradient is ${norm}` : `the loss is ${loss}`;
  return new EngineError({
    what: `${what}; ${await nonFiniteTensor(classifier, again)}`,
    where: `step ${step}`,
    expected: 'finite numbers',
    remedy: REMEDY,
  });
}
