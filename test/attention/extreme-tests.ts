import { describe, expect, it } from 'vitest';
import { attend } from '../../src/attention/attend.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { CASES } from '../support/arbitraries.js';
import { type Family, testDevice } from '../support/device.js';
import { generator, randomInteger } from '../support/random.js';
import { type AttentionCase, biasesOf, type KindName, randomCase, rulesOf } from './random-case.js';
import { expectReference } from './reference.js';
import { runAttention } from './run-attention.js';

/** One kind for each way in which kernels find the pairs that exist. */
const KINDS: readonly KindName[] = [
  'dense',
  'dense under dropout',
  'every pair, causal',
  'hard, some tags',
  'biased, many tags',
  'sentences',
  'head rules, dropout',
  'learned',
];

/** A run of more cases than usual takes two of each kind. */
const SEEDS = CASES > 1 ? [2, 3] : [2];

/** Sequences of several tiles, of one that is not full, and of one row. */
const LENGTHS = [70, 33, 1];

/** Numbers that are small whole multiples of a power of two. */
function multiples(random: () => number, length: number, most: number, unit: number): Float32Array {
  return Float32Array.from({ length }, () => unit * randomInteger(random, -most, most));
}

/**
 * A case whose scores are `offset` and some multiples of 8 around it. Each is exact in f32 in any order of summation, so any
 * error comes after the scores. Several keys of a row have the same score.
 */
function around(offset: number, kind: KindName, seed: number): AttentionCase {
  const attention = randomCase(kind, seed, LENGTHS);
  const { headDim } = attention;
  const random = generator(seed);
  const [q, k] = [attention.q, attention.k].map(({ length }) => multiples(random, length, 1, 1));
  const root = 2 ** Math.floor(Math.log2(Math.abs(offset)) / 2);
  for (let row = 0; row < q.length; row += headDim) {
    // One channel carries the offset, four carry the differences between keys, the others are zero.
    q.fill(0, row + 5, row + headDim);
    q[row] = root;
    k[row] = offset / root;
    for (let d = 1; d < 5; d++) k[row + d] *= 8;
  }
  return { ...attention, q, k, scale: 1 };
}

/** The tests of scores of any size, infinities and NaN, which every family of kernels must pass. */
export function describeExtremes(family: Family): void {
  describe(`attention at the ends of f32, ${family} kernels`, () => {
    // Tiles that suit a GPU take a CPU three times as long.
    const offsets = family === 'subgroup' || CASES > 1 ? [2 ** 13, -(2 ** 20), 2 ** 26] : [2 ** 26];

    it.each(KINDS.flatMap((kind) => offsets.map((offset): [KindName, number] => [kind, offset])))(
      'is that of the reference: %s, scores around %i',
      async (kind, offset) => {
        for (const seed of SEEDS) {
          const attention = around(offset, kind, seed);
          expectReference(attention, await runAttention(attention, family));
        }
      },
    );

    it.each([1e4, 1e6, 2 ** 26])('averages the values of 16 equal keys whose score is %i', async (score) => {
      const tokens = 16;
      const { headDim } = randomCase('dense', 2);
      const first = (value: number) =>
        Float32Array.from({ length: tokens * headDim }, (_, at) => (at % headDim === 0 ? value : 0));
      const v = Float32Array.from({ length: tokens * headDim }, (_, at) => at % 7);
      const ones = new Float32Array(tokens * headDim).fill(1);
      const { output, dv, dq } = await attend(await testDevice(family), {
        q: first(score / 64),
        k: first(64),
        v,
        outputGradient: ones,
        mask: AttentionMask.all(),
        heads: 1,
        headDim,
        scale: 1,
      });
      for (let d = 0; d < headDim; d++) {
        const mean = v.filter((_, at) => at % headDim === d).reduce((sum, value) => sum + value, 0) / tokens;
        expect(output[d]).toBeCloseTo(mean, 5);
      }
      // Each value gets a sixteenth of the gradient of 16 rows; queries have no effect.
      for (const gradient of dv!) expect(gradient).toBeCloseTo(1, 5);
      for (const gradient of dq!) expect(Math.abs(gradient)).toBeLessThan(1e-2);
    });

    it.each(KINDS)('is that of the reference where scores are of the size of 1e32: %s', async (kind) => {
      for (const seed of SEEDS) {
        const attention = randomCase(kind, seed, LENGTHS);
        const random = generator(seed);
        const signs = (length: number) =>
          Float32Array.from({ length }, () => (random() < 0.5 ? -1 : 1) * 2 ** 53);
        const q = signs(attention.q.length);
        const k = signs(attention.k.length);
        const huge = { ...attention, q, k, scale: 1 };
        expectReference(huge, await runAttention(huge, family));
      }
    });

    // Dropout may drop the value.
    const keeping = KINDS.filter((kind) => !randomCase(kind, 2).dropout);

    it.each(keeping)('gives the only token of a sequence its value, for any score: %s', async (kind) => {
      const attention = randomCase(kind, 2, [1]);
      const { heads, headDim, v, outputGradient } = attention;
      const biasOf = biasesOf(attention);
      const huge = { ...attention, q: v.map(() => 1e16), k: v.map(() => -1e16), scale: 1 };
      const result = await runAttention(huge, family);
      // 0, except for the rounding of dP - Δ times 1e16.
      for (const gradient of [...result.dq!, ...result.dk!])
        expect(Math.abs(gradient)).toBeLessThan(1e-5 * 1e16);
      const nothing = new Float32Array(headDim);
      for (let head = 0; head < heads; head++) {
        const ofHead = (values: Float32Array) => values.slice(head * headDim, (head + 1) * headDim);
        // Not every rule set lets every tag see itself.
        const sees = biasOf(0, 0, head) !== undefined;
        expect(ofHead(result.output)).toEqual(sees ? ofHead(v) : nothing);
        expect(ofHead(result.dv!)).toEqual(sees ? ofHead(outputGradient) : nothing);
      }
    });

    it.each(KINDS)('gives NaN to rows that see a NaN, and to no others: %s', async (kind) => {
      const attention = randomCase(kind, 2, LENGTHS);
      const { heads, headDim, lengths } = attention;
      const tokens = attention.tags.length;
      const biasOf = biasesOf(attention);
      const sequenceOf = (token: number) => {
        let start = 0;
        for (const length of lengths) {
          if (token < start + length) return [start, start + length];
          start += length;
        }
        return [0, 0];
      };
      for (const name of ['q', 'k'] as const) {
        const token = name === 'q' ? Math.floor(tokens / 2) : 0;
        const values = attention[name].slice();
        values[token * heads * headDim + 1] = Number.NaN;
        const { output, logSumExp } = await runAttention({ ...attention, [name]: values }, family);
        const [from, to] = sequenceOf(token);
        const seesAny = (row: number) =>
          Array.from({ length: to - from }, (_, at) => from + at).some(
            (key) => biasOf(row, key, 0) !== undefined,
          );
        const isNaNAt = (row: number) => {
          if (row < from || row >= to) return false;
          return name === 'q' ? row === token && seesAny(row) : biasOf(row, token, 0) !== undefined;
        };
        for (let row = 0; row < tokens; row++) {
          const at = row * heads * headDim;
          const seen = [...output.subarray(at, at + headDim), logSumExp[row * heads]];
          expect(seen.map(Number.isNaN), `${name}, row ${row}`).toEqual(seen.map(() => isNaNAt(row)));
          const others = [...output.subarray(at + headDim, at + heads * headDim)];
          expect(others.some(Number.isNaN), `${name}, other heads of row ${row}`).toBe(false);
        }
      }
    });

    it('gives NaN to rows that see a pair of tags whose learned bias is NaN', async () => {
      const attention = randomCase('learned', 2, LENGTHS);
      const names = rulesOf(attention, 0).tags;
      const [first] = attention.tags;
      const bias = attention.bias!.slice();
      bias[names.indexOf(first) * (names.length + 1)] = Number.NaN;
      const { output, dq, dv } = await runAttention({ ...attention, bias }, family);
      const { heads, headDim, tags } = attention;
      const biasOf = biasesOf(attention);
      let [start, affected] = [0, 0];
      for (const length of attention.lengths) {
        for (let row = start; row < start + length; row++) {
          const keys = Array.from({ length }, (_, at) => start + at);
          const isAffected =
            tags[row] === first &&
            keys.some((key) => tags[key] === first && biasOf(row, key, 0) !== undefined);
          affected += Number(isAffected);
          expect(Number.isNaN(output[row * heads * headDim]), `row ${row}`).toBe(isAffected);
          if (isAffected) expect(dq![row * heads * headDim]).toBeNaN();
        }
        start += length;
      }
      expect(affected).toBeGreaterThan(0);
      expect(dv!.some(Number.isNaN)).toBe(true);
    });
  });
}
