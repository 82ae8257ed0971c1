import { describe, expect, it } from 'vitest';
import { allows, pairTable } from '../../src/grammar/pair-table.js';
import type { RuleSet, Strategy, TagPair } from '../../src/grammar/rules.js';
import { callerErrorOf } from './caller-error.js';

/** `a` sees `b` by both kinds of rule, `c` by a soft one; `b` sees `c` by a hard one; `c` has no rules. */
const RULES: RuleSet = {
  name: 'small',
  tags: ['a', 'b', 'c'],
  hard: [
    ['a', 'b'],
    ['b', 'c'],
  ],
  soft: [
    ['a', 'b'],
    ['a', 'c'],
  ],
  beta: 5,
};

const NO = 'no pair';

function rows(strategy: Strategy, beta?: number): (number | string)[][] {
  const table = pairTable(RULES, strategy, beta);
  expect(table.size).toBe(3);
  expect(table.biases).toHaveLength(9);
  return [0, 1, 2].map((query) =>
    [0, 1, 2].map((key) => (allows(table, query, key) ? table.biases[3 * query + key] : NO)),
  );
}

function withTagCount(count: number): RuleSet {
  const tags = Array.from({ length: count }, (_, index) => `t${index}`);
  return { name: 'many', tags, hard: [[`t${count - 1}`, 't0']], soft: [], beta: 5 };
}

describe('pairTable', () => {
  it('has every pair, without bias, under none', () => {
    expect(rows('none')).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('has only the pairs of hard rules under hard', () => {
    expect(rows('hard')).toEqual([
      [NO, 0, NO],
      [NO, NO, 0],
      [NO, NO, NO],
    ]);
  });

  it.each([5, 0, -3, 0.5])(
    'has every pair under soft, and β = %d where a soft rule and no hard rule matches',
    (beta) => {
      expect(rows('soft', beta)).toEqual([
        [0, 0, beta],
        [0, 0, 0],
        [0, 0, 0],
      ]);
    },
  );

  it.each([5, 0, -3, 0.5])(
    'has the pairs of hard and soft rules under guided, and β = %d where only a soft rule matches',
    (beta) => {
      expect(rows('guided', beta)).toEqual([
        [NO, 0, beta],
        [NO, NO, 0],
        [NO, NO, NO],
      ]);
    },
  );

  it('takes the β of the rule set by default', () => {
    expect(rows('soft')).toEqual(rows('soft', 5));
    expect(pairTable({ ...RULES, beta: -2 }, 'soft').biases[2]).toBe(-2);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses a β of %d', (beta) => {
    expect(callerErrorOf(() => pairTable(RULES, 'soft', beta)).message).toContain('β');
    expect(callerErrorOf(() => pairTable({ ...RULES, beta }, 'soft')).message).toContain('β');
  });

  it.each([1e39, -1e39])('refuses a β of %d, which is infinite as an f32', (beta) => {
    expect(callerErrorOf(() => pairTable(RULES, 'soft', beta)).message).toContain('β');
  });

  it('refuses a β so low that its pairs would not exist', () => {
    expect(callerErrorOf(() => pairTable(RULES, 'soft', -1e30)).message).toContain('β');
  });

  it.each<[string, TagPair]>([
    ['query', ['d', 'a']],
    ['key', ['a', 'd']],
    ['unexpanded wildcard', ['*', 'a']],
  ])('refuses a rule with a tag that the rule set does not have: %s', (_, pair) => {
    expect(callerErrorOf(() => pairTable({ ...RULES, hard: [pair] }, 'hard')).message).toContain('tag');
    expect(callerErrorOf(() => pairTable({ ...RULES, soft: [pair] }, 'soft')).message).toContain('tag');
  });

  it('works with 64 tags and refuses 65, and none', () => {
    const table = pairTable(withTagCount(64), 'hard');
    expect(table.size).toBe(64);
    expect(allows(table, 63, 0)).toBe(true);
    expect(allows(table, 0, 63)).toBe(false);
    expect(callerErrorOf(() => pairTable(withTagCount(65), 'hard')).message).toContain('65 tags');
    callerErrorOf(() => pairTable({ ...RULES, tags: [], hard: [], soft: [] }, 'none'));
  });
});
