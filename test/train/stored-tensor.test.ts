import { expect, it } from 'vitest';
import { rounded } from '../../src/train/stored-tensor.js';

/** An f16 number by its formula: sign · 2^(e - 15) · 1.fraction, sign · 2⁻¹⁴ · 0.fraction where e is 0. */
function half(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction);
}

const every = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const bytes = new Uint8Array(every.buffer);

it('every f16 number widens exactly', () => {
  const wrong = rounded(bytes, 'F16').findIndex((value, bits) => !Object.is(value, half(bits)));
  expect(wrong).toBe(-1);
});

it('every bf16 number is the upper half of an f32 number', () => {
  const bits = new Uint32Array(rounded(bytes, 'BF16').buffer);
  expect(bits.findIndex((word, upper) => word !== upper * 65_536)).toBe(-1);
});

it('every f64 number becomes the nearest f32 number', () => {
  const numbers = [1, -0, 0.1, 1 + 2 ** -24, 1 + 2 ** -24 + 2 ** -40, 1e-46, 1e300, -1e300, Number.NaN];
  const stored = new Uint8Array(Float64Array.from(numbers).buffer);
  expect([...rounded(stored, 'F64')]).toEqual(numbers.map(Math.fround));
});
