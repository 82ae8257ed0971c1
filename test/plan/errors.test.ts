import { describe, expect, it } from 'vitest';
import type { PairTable } from '../../src/grammar/pair-table.js';
import { LONGEST_SEQUENCE, planDense, planSparse } from '../../src/plan/plan.js';
import { callerErrorOf } from '../grammar/caller-error.js';

const TABLE: PairTable = { size: 2, biases: new Float32Array(4) };

function sparseError(tags: number[], lengths: ArrayLike<number>): string {
  return callerErrorOf(() => planSparse(Uint8Array.from(tags), lengths, TABLE)).message;
}

describe('plans refuse', () => {
  it.each([[[2, 2]], [[6]], [[]], [[0]]])('lengths %j for five tokens', (lengths) => {
    const total = lengths.reduce((sum: number, length: number) => sum + length, 0);
    expect(sparseError([0, 1, 0, 1, 0], lengths)).toBe(
      `lengths: the lengths add up to ${total} tokens; expected 5`,
    );
  });

  it('a tag that the table does not have', () => {
    expect(sparseError([0, 1, 2, 3], [4])).toBe('tags[2]: tag index 2; expected 0 to 1');
    expect(sparseError([0, 255], [2])).toContain('tags[1]: tag index 255');
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 16_385])('a sequence of %d tokens', (length) => {
    const expected = `lengths[1]: a sequence of ${length} tokens; expected 0 to 16384`;
    expect(sparseError([0], [1, length])).toContain(expected);
    expect(callerErrorOf(() => planDense([1, length])).message).toContain(expected);
  });

  it('a negative length that others make up for', () => {
    expect(sparseError([0, 1], [3, -1])).toContain('lengths[1]');
    callerErrorOf(() => planDense([3, -1]));
  });

  it('fractions that add up', () => {
    expect(sparseError([0], [0.5, 0.5])).toContain('lengths[0]');
    callerErrorOf(() => planDense([0.5, 0.5]));
  });
});

describe('plans take', () => {
  it('the longest sequence, and several of it', () => {
    expect(LONGEST_SEQUENCE).toBe(16_384);
    expect(planDense([16_384, 16_384]).tokens).toBe(32_768);
    expect(planSparse(new Uint8Array(16_384), [16_384], TABLE).ledger.useful).toBe(16_384 ** 2);
  });

  it('lengths in any kind of array', () => {
    const tags = Uint8Array.of(0, 1, 1);
    const plan = planSparse(tags, [1, 2], TABLE);
    expect(planSparse(tags, Uint32Array.of(1, 2), TABLE)).toEqual(plan);
    expect(planSparse(tags, Uint16Array.of(1, 2), TABLE)).toEqual(plan);
  });
});
