import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORBIDDEN, type PairTable } from '../../src/grammar/pair-table.js';
import { type LabelBits, labelBits } from '../../src/plan/label-bits.js';
import { runs } from '../support/arbitraries.js';

/** Tables around the sizes at which a word of bits is full. Pairs do not exist, or have a bias from a short list. */
function anyTable(biases: readonly number[]): fc.Arbitrary<PairTable> {
  const anySize = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(31, 32, 33, 63, 64));
  return anySize.chain((size) => {
    const anyEntry = fc.constantFrom(FORBIDDEN, ...biases);
    const entries = fc.array(anyEntry, { minLength: size ** 2, maxLength: size ** 2, size: 'max' });
    return entries.map((values) => ({ size, biases: Float32Array.from(values) }));
  });
}

/** The table that the bits encode, read from one side. */
function tableOf({ bias, words, ofQueries, ofKeys }: LabelBits, size: number, side: 'queries' | 'keys') {
  const bits = side === 'queries' ? ofQueries : ofKeys;
  const isSet = (tag: number, part: 0 | 1, other: number) =>
    ((bits[(2 * tag + part) * words + (other >> 5)] >>> (other & 31)) & 1) === 1;
  return Float32Array.from({ length: size ** 2 }, (_, at) => {
    const [query, key] = [Math.floor(at / size), at % size];
    const [tag, other] = side === 'queries' ? [query, key] : [key, query];
    if (!isSet(tag, 0, other)) return FORBIDDEN;
    return isSet(tag, 1, other) ? bias : 0;
  });
}

describe('label bits', () => {
  it.each([5, -3, 0.25])('encode the table from both sides: biases 0 and %d', (bias) => {
    fc.assert(
      fc.property(anyTable([0, bias]), (table) => {
        const bits = labelBits(table)!;
        const { size } = table;
        expect(bits.words).toBe(size > 32 ? 2 : 1);
        for (const part of [bits.ofQueries, bits.ofKeys]) expect(part).toHaveLength(2 * bits.words * size);
        for (const side of ['queries', 'keys'] as const) {
          expect(tableOf(bits, size, side)).toEqual(table.biases);
        }
      }),
      runs(60),
    );
  });

  it('have a bias of 0 where no pair has another', () => {
    fc.assert(
      fc.property(anyTable([0]), (table) => {
        expect(labelBits(table)!.bias).toBe(0);
      }),
      runs(20),
    );
  });

  it('cannot hold two biases, nor learned ones', () => {
    const biases = Float32Array.of(FORBIDDEN, 5, 0, -3);
    expect(labelBits({ size: 2, biases })).toBeUndefined();
    expect(labelBits({ size: 2, biases: new Float32Array(4), learned: true })).toBeUndefined();
    expect(labelBits({ size: 2, biases: Float32Array.of(5, 5, FORBIDDEN, 5) })?.bias).toBe(5);
  });
});
