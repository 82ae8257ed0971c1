import { describe, expect, it } from 'vitest';
import { STRATEGIES } from '../../src/grammar/rules.js';
import { type AttentionCase, biasesOf, CASES_OF_KIND, KIND_NAMES, randomCase } from './random-case.js';

const CASES = KIND_NAMES.flatMap((kind) =>
  Array.from({ length: CASES_OF_KIND }, (_, seed) => randomCase(kind, seed)),
);

/** The number of keys that each row of each head sees. */
function keysOfRows(attention: AttentionCase): number[] {
  const biasOf = biasesOf(attention);
  const { lengths, heads } = attention;
  let start = 0;
  return lengths.flatMap((length) => {
    const tokens = Array.from({ length }, (_, index) => start + index);
    start += length;
    return Array.from({ length: heads }, (_, head) =>
      tokens.map((query) => tokens.filter((key) => biasOf(query, key, head) !== undefined).length),
    ).flat();
  });
}

describe('the random cases', () => {
  it('have every strategy, with and without positions', () => {
    expect(new Set(CASES.map(({ strategy }) => strategy))).toEqual(new Set(STRATEGIES));
    for (const strategy of STRATEGIES) {
      const causal = CASES.filter((each) => each.strategy === strategy).map((each) => each.causal);
      expect(new Set(causal).size, strategy).toBe(2);
    }
    const scopes = CASES.flatMap(({ rules }) => rules).flatMap(({ hard, soft }) => [...hard, ...soft]);
    expect(new Set(scopes.map(([, , scope]) => typeof scope))).toEqual(new Set(['string', 'number']));
    expect(CASES.filter(({ sentences }) => sentences).length).toBeGreaterThan(10);
    expect(CASES.filter(({ dropout }) => dropout).length).toBeGreaterThan(10);
  });

  it('have sequences of no token and of one, and long ones; heads of many sizes', () => {
    const lengths = new Set(CASES.flatMap((each) => each.lengths));
    for (const length of [0, 1, 2, 33, 65, 257]) expect(lengths).toContain(length);
    const headDims = new Set(CASES.map(({ headDim }) => headDim));
    for (const headDim of [16, 128]) expect(headDims).toContain(headDim);
    expect([...headDims].filter((headDim) => headDim % 16 !== 0).length).toBeGreaterThan(5);
  });

  it('have rows that see no key, and rows that see one', () => {
    const short = CASES.filter(({ tags }) => tags.length < 150);
    const keys = short.map(keysOfRows);
    for (const count of [0, 1]) {
      expect(keys.filter((rows) => rows.includes(count)).length, `${count} keys`).toBeGreaterThan(10);
    }
  });
});
