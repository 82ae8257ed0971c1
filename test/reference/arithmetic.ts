/**
 * The arithmetic of the references. Every reference takes `round`: the identity for float64, Math.fround for a plain f32
 * evaluation of the same formula.
 */
export interface Round {
  (x: number): number;
  /** In how many strides a sum takes its terms: with 2, those with even numbers first; 1 where left out. */
  strides?: number;
}
export type Numbers = ArrayLike<number>;

export const exact: Round = (x) => x;

/** Plain f32 that adds up in strides, as a loop over vectors does: the order of a sum is no part of a formula. */
export function plainInStrides(strides: number): Round {
  return Object.assign((x: number) => Math.fround(x), { strides });
}

/** A formula in float64, and plainly in f32: the two that an error bound is made of. */
export function inBothPrecisions<T>(evaluate: (round: Round) => T): { exact: T; plain: T } {
  return { exact: evaluate(exact), plain: evaluate(Math.fround) };
}

/** Numbers, and the largest sum of the sizes of the terms that one of them was added up from, before they cancel. */
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

/** Numbers of an array, `step` apart, from number `at` on. */
interface Line {
  of: Numbers;
  at: number;
  step: number;
}

export function rowOf(matrix: Numbers, row: number, width: number): Line {
  return { of: matrix, at: row * width, step: 1 };
}

export function columnOf(matrix: Numbers, column: number, width: number): Line {
  return { of: matrix, at: column, step: width };
}

/**
 * The sum of the products of two lines. It is `sum` with the calls taken out, which would take most of the time of a test:
 * `round` is one of two functions, and is asked once which.
 */
export function dot(count: number, a: Line, b: Line, round: Round): Sum {
  let value = 0;
  let size = 0;
  const strides = round.strides ?? 1;
  const [left, right] = [a.of, b.of];
  const single = round(0.1) !== 0.1;
  for (let first = 0; first < strides; first++) {
    for (let n = first; n < count; n += strides) {
      const product = left[a.at + n * a.step] * right[b.at + n * b.step];
      value = single ? Math.fround(value + Math.fround(product)) : value + product;
      size += Math.abs(product);
    }
  }
  return { value, size };
}
