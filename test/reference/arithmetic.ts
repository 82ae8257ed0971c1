/**
 * The arithmetic of the references. Every reference takes `round`: the identity for float64, Math.fround for a plain f32
 * evaluation of the same formula.
 */
export interface Round {
  (x: number): number;
  /** The number of strides in which a sum takes its terms: with 2, those with even numbers first; 1 by default. */
  strides?: number;
}
export type Numbers = ArrayLike<number>;

export const exact: Round = (x) => x;

/** Plain f32 that adds up in strides, as a loop over vectors does. A formula does not fix the order of a sum. */
export function plainInStrides(strides: number): Round {
  return Object.assign((x: number) => Math.fround(x), { strides });
}

/** A formula in float64, and in plain f32: an error bound needs both. */
export function inBothPrecisions<T>(evaluate: (round: Round) => T): { exact: T; plain: T } {
  return { exact: evaluate(exact), plain: evaluate(Math.fround) };
}

/** Numbers, and the largest sum of absolute terms of any of them, before terms cancel. */
export interface Computed {
  values: Float64Array;
  scale: number;
}

/** Computes numbers one by one; `element` returns each with the size of its terms. */
export function computed(length: number, element: (index: number) => readonly [number, number]): Computed {
  const values = new Float64Array(length);
  let scale = 0;
  for (let index = 0; index < length; index++) {
    const [value, size] = element(index);
    values[index] = value;
    scale = Math.max(scale, size);
  }
  return { values, scale };
}

export interface Sum {
  value: number;
  size: number;
}

export function sum(count: number, term: (n: number) => number, round: Round): Sum {
  let value = 0;
  let size = 0;
  const strides = round.strides ?? 1;
  for (let first = 0; first < strides; first++) {
    for (let n = first; n < count; n += strides) {
      const next = term(n);
      value = round(value + next);
      size += Math.abs(next);
    }
  }
  return { value, size };
}

/** A matrix as `dot` reads it: one type of array, so that its loops are compiled for no other. */
export function inFloat64(matrix: Numbers): Float64Array {
  return Float64Array.from(matrix);
}

/** The same with its columns as rows. */
export function transposed(matrix: Numbers, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = matrix[row * columns + column];
  }
  return result;
}

/**
 * The sum of the products of `count` numbers of two arrays, from `at` and from `bt` on. It is `sum` without its calls, which
 * would take most of a test's time: `round` is one of two functions, and is tested once.
 */
export function dot(
  count: number,
  a: Float64Array,
  at: number,
  b: Float64Array,
  bt: number,
  round: Round,
): Sum {
  let value = 0;
  let size = 0;
  const strides = round.strides ?? 1;
  if (round(0.1) === 0.1) {
    for (let n = 0; n < count; n++) {
      const product = a[at + n] * b[bt + n];
      value += product;
      size += Math.abs(product);
    }
    return { value, size };
  }
  for (let first = 0; first < strides; first++) {
    for (let n = first; n < count; n += strides) {
      const product = a[at + n] * b[bt + n];
      value = Math.fround(value + Math.fround(product));
      size += Math.abs(product);
    }
  }
  return { value, size };
}
