import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { formatWithChecksum, verifyChecksum } from '../../src/train/checksum.js';
import { parseSafetensors } from '../../src/train/safetensors.js';

const VALUES = Float32Array.from([1, -2, 0.5, 3, 0, 7]);
const FILE = formatWithChecksum(new Map([['a.weight', { shape: [2, 3], values: VALUES }]]), {
  parsimony: JSON.stringify({ sha256: 'a text within a text', step: 3 }),
});

const check = (file: Uint8Array) => verifyChecksum(file, 'checkpoint', 'put it back');

it('a file with a checksum is read by any reader of the format, and is the same for the same content', () => {
  check(FILE);
  expect(parseSafetensors(FILE, 'file').get('a.weight')).toEqual({ shape: [2, 3], values: VALUES });
  const again = formatWithChecksum(new Map([['a.weight', { shape: [2, 3], values: VALUES }]]), {
    parsimony: JSON.stringify({ sha256: 'a text within a text', step: 3 }),
  });
  expect(again).toEqual(FILE);
});

it('a file with any one bit flipped is refused', () => {
  for (let bit = 0; bit < 8 * FILE.length; bit++) {
    const flipped = Uint8Array.from(FILE);
    flipped[bit >> 3] ^= 1 << (bit & 7);
    expect(() => check(flipped), `bit ${bit}`).toThrow(CallerError);
  }
});

it('a file that is cut off, longer, or changed anywhere is refused', () => {
  fc.assert(
    fc.property(fc.nat(FILE.length - 1), fc.uint8Array({ minLength: 1, maxLength: 9 }), (at, bytes) => {
      expect(() => check(FILE.subarray(0, at))).toThrow(CallerError);
      expect(() => check(Buffer.concat([FILE, bytes]))).toThrow(CallerError);
      const changed = Buffer.concat([FILE.subarray(0, at), bytes, FILE.subarray(at + bytes.length)]);
      if (!changed.equals(FILE)) expect(() => check(changed)).toThrow(CallerError);
    }),
    { numRuns: 200 },
  );
});
