import { describe, expect, it } from 'vitest';
import { type PairTable, pairTable } from '../../src/grammar/pair-table.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { denseLayout, LONGEST_SEQUENCE, sparseLayout } from '../../src/plan/layout.js';
import { callerErrorOf } from '../grammar/caller-error.js';

const TABLE: PairTable = { size: 2, biases: new Float32Array(4) };

/** Tag 0 sees tag 1 within a sentence. */
const BY_SENTENCE = pairTable(
  { name: 'by sentence', tags: ['a', 'b'], hard: [['a', 'b', 'sentence']], soft: [], beta: 5 },
  'hard',
);

function sparseError(tags: number[], lengths: ArrayLike<number>): string {
  return callerErrorOf(() => sparseLayout({ tags: Uint8Array.from(tags), lengths, tables: TABLE })).message;
}

function sentenceError(sentences: ArrayLike<number>, lengths: number[]): string {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const tags = new Uint8Array(tokens);
  return callerErrorOf(() => sparseLayout({ tags, lengths, tables: BY_SENTENCE, sentences })).message;
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
    expect(callerErrorOf(() => denseLayout([1, length])).message).toContain(expected);
  });

  it('a negative length, although the sum of lengths is right', () => {
    expect(sparseError([0, 1], [3, -1])).toContain('lengths[1]');
    callerErrorOf(() => denseLayout([3, -1]));
  });

  it('fractions that add up', () => {
    expect(sparseError([0], [0.5, 0.5])).toContain('lengths[0]');
    callerErrorOf(() => denseLayout([0.5, 0.5]));
  });

  it('a batch of more tokens than kernels can index', () => {
    const lengths = Array<number>(2 ** 10 + 1).fill(LONGEST_SEQUENCE);
    const expected = /^a batch of 16793600 tokens; expected at most 16777216; use a smaller batch$/;
    expect(callerErrorOf(() => denseLayout(lengths)).message).toMatch(expected);
    const tags = new Uint8Array(lengths.length * LONGEST_SEQUENCE);
    expect(callerErrorOf(() => sparseLayout({ tags, lengths, tables: TABLE })).message).toMatch(expected);
  });

  it('a table of more tags than the bits of kernels hold', () => {
    const tables = { size: 65, biases: new Float32Array(65 ** 2) };
    const { message } = callerErrorOf(() => sparseLayout({ tags: new Uint8Array(1), lengths: [1], tables }));
    expect(message).toBe('65 tags; expected 1 to 64');
  });

  it('rules of heads that have other tags than the first', () => {
    const tables = [TABLE, TABLE, { size: 3, biases: new Float32Array(9) }];
    const { message } = callerErrorOf(() => sparseLayout({ tags: Uint8Array.of(0), lengths: [1], tables }));
    expect(message).toBe('rules of head 2: 3 tags; expected 2, as for head 0');
  });

  it('a number of sentences other than that of the tokens', () => {
    expect(sentenceError([0, 0], [3])).toBe('sentences: 2 sentence numbers; expected 3');
    expect(sentenceError([0, 0, 1, 1], [3])).toBe('sentences: 4 sentence numbers; expected 3');
  });

  it('sentences that do not ascend within a sequence', () => {
    expect(sentenceError([2, 3, 1], [3])).toBe(
      'sentences[2]: sentence 1 after sentence 3; expected numbers that ascend within a sequence',
    );
    expect(sentenceError([2, NO_SENTENCE, 1], [3])).toContain('sentence 1 after sentence 2');
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 32])('a sentence numbered %d', (number) => {
    expect(sentenceError([0, number], [2])).toBe(
      `sentences[1]: sentence ${number}; expected an integer from 0 to 4294967295`,
    );
  });
});

describe('plans take', () => {
  it('the longest sequence, and several of it', () => {
    expect(LONGEST_SEQUENCE).toBe(16_384);
    expect(denseLayout([16_384, 16_384]).tokens).toBe(32_768);
    const tags = new Uint8Array(16_384);
    expect(sparseLayout({ tags, lengths: [16_384], tables: TABLE }).pairCounts.useful).toBe(16_384 ** 2);
  });

  it('lengths and sentences in any kind of array', () => {
    const tags = Uint8Array.of(0, 1, 1);
    const layout = sparseLayout({ tags, lengths: [1, 2], tables: BY_SENTENCE, sentences: [0, 4, 5] });
    const ints = { lengths: Uint32Array.of(1, 2), sentences: Uint32Array.of(0, 4, 5) };
    expect(sparseLayout({ tags, ...ints, tables: BY_SENTENCE })).toEqual(layout);
    const shorts = { lengths: Uint16Array.of(1, 2), sentences: Uint8Array.of(0, 4, 5) };
    expect(sparseLayout({ tags, ...shorts, tables: BY_SENTENCE })).toEqual(layout);
  });

  it('sentences that start again in every sequence', () => {
    const tags = Uint8Array.of(0, 1, 0, 1);
    const { pairCounts } = sparseLayout({
      tags,
      lengths: [2, 2],
      tables: BY_SENTENCE,
      sentences: [7, 7, 0, 1],
    });
    expect(pairCounts.useful).toBe(1);
  });

  it('sentence numbers that are equal as f32', () => {
    const tags = Uint8Array.of(0, 1);
    const sentences = [2 ** 32 - 3, 2 ** 32 - 2];
    const layout = sparseLayout({ tags, lengths: [2], tables: BY_SENTENCE, sentences });
    expect(layout.pairCounts.useful).toBe(0);
    expect(new Set(Float32Array.from(layout.sentences!)).size).toBe(2);
    expect(layout.sentences).not.toContain(NO_SENTENCE);
  });
});
