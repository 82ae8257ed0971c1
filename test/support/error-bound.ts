import { expect } from 'vitest';
import { errorBound, largest, largestError } from '../../bench/error-bound.js';

export { largest, largestError };

/** Expects an f32 result to be within the error bound; see `errorBound`. */
export function expectWithinBound(
  name: string,
  actual: ArrayLike<number>,
  exact: ArrayLike<number>,
  plain: ArrayLike<number>,
  scale = largest(exact),
  kernels = 1,
): void {
  expect(actual.length, `${name}: length`).toBe(exact.length);
  const error = largestError(actual, exact);
  const bound = errorBound(exact, plain, scale, kernels);
  expect(
    error,
    `${name}: error ${error.toExponential(2)}, bound ${bound.toExponential(2)}`,
  ).toBeLessThanOrEqual(bound);
}
