/** The largest absolute value. */
export function largest(values: ArrayLike<number>): number {
  let result = 0;
  for (let i = 0; i < values.length; i++) result = Math.max(result, Math.abs(values[i]));
  return result;
}

/** The largest absolute difference; a NaN anywhere makes it infinite. */
export function largestError(actual: ArrayLike<number>, exact: ArrayLike<number>): number {
  let error = actual.length === exact.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < exact.length; i++) {
    const difference = Math.abs(actual[i] - exact[i]);
    if (!(difference <= error)) error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return error;
}

/** Half a unit in the last place of 1 in f32. */
const HALF_ULP = 2 ** -24;

/** The c of the bound, for one kernel. */
const GRANTED = 4;

/**
 * The largest error that a kernel may have: 2 · max|error of plain f32| + c · 2⁻²⁴ · scale.
 *
 * @param exact The float64 reference.
 * @param plain A plain f32 evaluation of the same formula.
 * @param scale The size of the terms before they cancel.
 * @param kernels The number of consecutive kernels that compute the result: each adds c.
 */
export function errorBound(
  exact: ArrayLike<number>,
  plain: ArrayLike<number>,
  scale: number,
  kernels = 1,
): number {
  return 2 * largestError(plain, exact) + kernels * GRANTED * HALF_ULP * scale;
}
