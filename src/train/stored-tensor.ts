/** A tensor of a file of weights, whose numbers `read` returns. */
export interface StoredTensor {
  shape: readonly number[];
  /** The numbers as f32, in row-major order, a copy. @throws CallerError where their type is not supported. */
  read(): Float32Array;
}

/** Types of numbers that are read, as safetensors names them, with their bytes: f32 holds all but F64 exactly. */
export const FLOAT_BYTES: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

export const FLOAT_NAMES = 'F64, F32, F16 or BF16';

let halfTable: Uint32Array | undefined;

/** The bits of the f32 number that is a given f16 number. */
function bitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // Below f16's normal numbers: fraction · 2⁻²⁴, whose first bit becomes f32's hidden one.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

/**
 * The little-endian numbers of `bytes` as f32, rounded to the nearest.
 * @param type One of `FLOAT_BYTES`.
 */
export function rounded(bytes: Uint8Array, type: string): Float32Array {
  // A copy, since numbers in a file may be unaligned (slice() of Node's Buffer copies nothing).
  const { buffer } = new Uint8Array(bytes);
  if (type === 'F32') return new Float32Array(buffer);
  if (type === 'F64') return new Float32Array(new Float64Array(buffer));
  const narrow = new Uint16Array(buffer);
  const bits = new Uint32Array(narrow.length);
  if (type === 'BF16') {
    for (let i = 0; i < narrow.length; i++) bits[i] = narrow[i] << 16;
  } else {
    halfTable ??= Uint32Array.from({ length: 2 ** 16 }, (_, half) => bitsOfHalf(half));
    for (let i = 0; i < narrow.length; i++) bits[i] = halfTable[narrow[i]];
  }
  return new Float32Array(bits.buffer);
}
