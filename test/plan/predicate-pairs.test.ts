import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Layout } from '../../src/plan/layout.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { pairBiases } from '../../src/plan/pair-biases.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { anySeed, runs } from '../support/arbitraries.js';
import { generator } from '../support/random.js';

type Exists = (query: number, key: number) => boolean;

/** Expects that exactly these pairs of positions exist in a layout, in every sequence. */
function expectPairs(layout: Layout, exists: Exists, head = 0): void {
  const biasOf = pairBiases(layout, layout.heads.find(({ heads }) => heads?.includes(head) ?? true)!);
  const rowOf = new Map([...layout.order].map((token, row) => [token, row]));
  let start = 0;
  let count = 0;
  for (const length of layout.lengths) {
    for (let query = 0; query < length; query++) {
      for (let key = 0; key < length; key++) {
        const found = biasOf(rowOf.get(start + query)!, rowOf.get(start + key)!);
        expect(found, `${query} to ${key}`).toBe(exists(query, key) ? 0 : undefined);
        if (exists(query, key)) count++;
      }
    }
    start += length;
  }
  if (layout.heads.length === 1) expect(layout.pairCounts.useful).toBe(count);
}

describe('a mask from a predicate', () => {
  it('has exactly the pairs of any matrix up to 64 tokens, also of shorter sequences', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const random = generator(seed);
        const [length, shorter] = [1 + Math.floor(64 * random()), Math.floor(20 * random())];
        const matrix = Array.from({ length }, () => Array.from({ length }, () => random() < 0.3));
        const lengths = [length, Math.min(length, shorter)];
        expectPairs(AttentionMask.fromMatrix(matrix).layout({ lengths }), (query, key) => matrix[query][key]);
      }),
      runs(6),
    );
  });

  it.each<[string, Exists]>([
    ['blocks', (query, key) => query >> 5 === key >> 5],
    ['every fourth token', (query, key) => (query - key) % 4 === 0],
    ['a global token', (query, key) => query === 0 || key === 0],
    ['causal order', (query, key) => key <= query],
    ['causal order in documents', (query, key) => key <= query && query >> 6 === key >> 6],
    ['no pair', () => false],
  ])('has those of a function of a longer sequence: %s', (_, exists) => {
    expectPairs(AttentionMask.fromPredicate(exists).layout({ lengths: [150, 70] }), exists);
  });

  it('composes with other masks, and can be the mask of a head', () => {
    const even: Exists = (query, key) => (query + key) % 2 === 0;
    const mask = AttentionMask.fromPredicate(even);
    const lengths = [90, 33];
    const both = (query: number, key: number) => even(query, key) && Math.abs(query - key) <= 7;
    expectPairs(mask.and(AttentionMask.window(7)).layout({ lengths }), both);
    expectPairs(mask.not().layout({ lengths }), (query, key) => !even(query, key));
    const layout = AttentionMask.perHead([mask, AttentionMask.all(), mask]).layout({ lengths });
    expect(layout.heads).toHaveLength(2);
    expectPairs(layout, even);
    expectPairs(layout, () => true, 1);
    expectPairs(layout, even, 2);
  });

  it('is refused where it needs too many labels, where sequences are too long, and where it is not a predicate', () => {
    const window = AttentionMask.fromPredicate((query, key) => Math.abs(query - key) < 5);
    expect(callerErrorOf(() => window.layout({ lengths: [100] })).message).toMatch(
      /^mask "predicate": 100 kinds of positions, each with other pairs; expected at most 64.*AttentionMask\.window/,
    );
    const all = AttentionMask.fromPredicate(() => true);
    expect(callerErrorOf(() => all.layout({ lengths: [4000] })).message).toMatch(
      /4000 tokens; expected at most 2048/,
    );
    const small = AttentionMask.fromMatrix([
      [1, 0],
      [0, 1],
    ]);
    expect(callerErrorOf(() => small.layout({ lengths: [3] })).message).toMatch(
      /"matrix": .* 3 tokens; expected at most 2;/,
    );
    const odd = AttentionMask.fromPredicate((() => 1) as unknown as Exists);
    expect(callerErrorOf(() => odd.layout({ lengths: [2] })).message).toBe(
      'the predicate of a mask: 1 for query 0 and key 0; expected true or false',
    );
    expect(callerErrorOf(() => AttentionMask.fromMatrix([[1, 0]])).message).toBe(
      'matrix[0]: 2 entries; expected 1, as the matrix has rows',
    );
    expect(callerErrorOf(() => AttentionMask.fromMatrix([[7]])).message).toBe(
      'matrix[0][0]: 7; expected true, false, 1 or 0',
    );
  });
});

describe('a mask of any tokens', () => {
  it('refuses shares of no pairs, and a wrong number of layers', () => {
    const none = { lengths: [0, 0] };
    for (const share of [() => AttentionMask.all().density(none), () => AttentionMask.causal().closure(none)])
      expect(callerErrorOf(share).message).toBe(
        'a share of the pairs of no tokens; expected at least one token',
      );
    for (const layers of [0, 2.5, 1e9])
      expect(callerErrorOf(() => AttentionMask.causal().closure({ lengths: [3] }, layers)).message).toBe(
        `layers is ${layers}; expected a whole number from 1 to 1024`,
      );
  });

  it('tells the labels of ten labellings apart', () => {
    const names = Array.from({ length: 10 }, (_, at) => `label ${at}`);
    const ofLabels = names.map(
      (labels): AttentionMask =>
        AttentionMask.fromRules(
          {
            name: labels,
            tags: ['a', 'b'],
            hard: [
              ['a', 'a'],
              ['b', 'b'],
            ],
            soft: [],
            beta: 0,
          },
          'hard',
          { labels },
        ),
    );
    // Only the first and the last labelling differ, in 4 combinations of 2 tokens.
    const valuesOf = [(token: number) => token >> 2, ...Array(8).fill(() => 0), (token: number) => token & 1];
    const labels = Object.fromEntries(
      names.map((name, at) => [name, Array.from({ length: 8 }, (_, token) => 'ab'[valuesOf[at](token)])]),
    );
    expect(ofLabels.reduce((all, each) => all.and(each)).density({ labels })).toBe(0.25);
  });

  it('from a predicate takes a batch of many sequences', () => {
    const lengths = new Uint32Array(200_000).fill(1);
    expect(AttentionMask.fromPredicate(() => true).layout({ lengths }).pairCounts.useful).toBe(200_000);
  });
});
