import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AttentionMass,
  pairsUpTo,
  permutedRules,
  prunedRules,
} from '../../src/grammar/density-rules.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { Tag, TagPair } from '../../src/grammar/rules.js';
import { TagPairCounts } from '../../src/grammar/tag-pair-counts.js';
import { runs } from '../support/arbitraries.js';
import { generator, randomInteger } from '../support/random.js';

const TAGS = ['[CLS]', 'a', 'b', 'c', 'd'];

/** Texts without a `d`. */
const COUNTS = TagPairCounts.ofTexts([
  ['[CLS]', 'a', 'a', 'b', 'c'],
  ['[CLS]', 'b', 'c', 'c', 'c', 'a'],
]);

/** The mean attention of listed pairs of tags; other pairs get a little. */
function massOf(means: Record<string, number>, counts: TagPairCounts): AttentionMass {
  const mass = TAGS.flatMap((query) =>
    TAGS.map((key) => (means[`${query} ${key}`] ?? 0.001) * counts.of(query, key)),
  );
  return { tags: TAGS, mass: Float64Array.from(mass) };
}

function shareOf(pairs: readonly TagPair[], counts: TagPairCounts): number {
  return pairs.reduce((sum, [query, key]) => sum + counts.of(query, key), 0) / counts.total;
}

const isFixed = (query: Tag, key: Tag) => query === '[CLS]' || query === key;

describe('rules pruned from attention', () => {
  it('are the pairs with the most attention for their cost, and those that always exist', () => {
    const mass = massOf({ 'a b': 0.3, 'c a': 0.2, 'b a': 0.1 }, COUNTS);
    const fixed = TAGS.flatMap((query) => TAGS.map((key) => [query, key])).filter((pair) =>
      isFixed(pair[0], pair[1]),
    );
    const shareWith = (...pairs: TagPair[]) =>
      shareOf([...(fixed as unknown as TagPair[]), ...pairs], COUNTS);
    const prunedTo = (density: number) =>
      prunedRules(mass, COUNTS, density).filter(([query, key]) => !isFixed(query, key));
    expect(prunedTo(shareWith())).toEqual([]);
    expect(prunedTo(shareWith(['a', 'b']))).toEqual([['a', 'b']]);
    expect(prunedTo(shareWith(['a', 'b'], ['c', 'a']))).toEqual([
      ['a', 'b'],
      ['c', 'a'],
    ]);
    expect(prunedTo(shareWith(['a', 'b'], ['c', 'a'], ['b', 'a']))).toHaveLength(3);
  });

  it('have no pair of tags that no text has, unless it always exists', () => {
    const pruned = prunedRules(massOf({}, COUNTS), COUNTS, 1);
    expect(pruned.filter(([query, key]) => query === 'd' || key === 'd')).toEqual([
      ['[CLS]', 'd'],
      ['d', 'd'],
    ]);
    expect(shareOf(pruned, COUNTS)).toBe(1);
  });

  it('miss the requested density by at most half of the smallest pair that is left out', () => {
    const anyCase = fc.tuple(fc.nat(), fc.double({ min: 0.01, max: 1, noNaN: true }));
    fc.assert(
      fc.property(anyCase, ([seed, density]) => {
        const random = generator(seed);
        const texts = Array.from({ length: 4 }, () => [
          '[CLS]',
          ...Array.from({ length: 12 }, () => TAGS[randomInteger(random, 1, TAGS.length - 1)]),
        ]);
        const counts = TagPairCounts.ofTexts(texts);
        const mass = { tags: TAGS, mass: Float64Array.from({ length: TAGS.length ** 2 }, random) };
        const pruned = prunedRules(mass, counts, density);
        expect(new Set(pruned.map((pair) => JSON.stringify(pair))).size).toBe(pruned.length);
        const everything = TAGS.flatMap((query) => TAGS.map((key): TagPair => [query, key]));
        const floor = shareOf(
          everything.filter(([query, key]) => isFixed(query, key)),
          counts,
        );
        const left = everything.filter(
          ([query, key]) => !pruned.some(([q, k]) => q === query && k === key) && counts.of(query, key) > 0,
        );
        const smallest = Math.min(...left.map(([query, key]) => counts.of(query, key))) / counts.total;
        const share = shareOf(pruned, counts);
        if (density <= floor) expect(share).toBeCloseTo(floor, 12);
        // Any pair that was left out would have overshot by more than is missing now.
        else if (left.length > 0) expect(density - share).toBeLessThan(0.5 * smallest + 1e-12);
        else expect(share).toBeCloseTo(1, 12);
      }),
      runs(200),
    );
  });
});

it('pairs up to a density are taken in their order; a large one is passed over where a later one still fits', () => {
  const candidates: TagPair[] = [
    ['b', 'a'],
    ['c', 'a'],
    ['b', '[CLS]'],
  ];
  const density = (COUNTS.of('b', 'a') + COUNTS.of('b', '[CLS]')) / COUNTS.total;
  expect(pairsUpTo(COUNTS, candidates, density)).toEqual([candidates[0], candidates[2]]);
});

describe('permuted rules', () => {
  const texts = [
    ['[CLS]', 'DET', 'ADJ', 'NOUN', 'VERB', 'ADV', 'PUNCT', '[SEP]'],
    ['[CLS]', 'PRON', 'AUX', 'PART', 'VERB', 'DET', 'NOUN', 'ADP', 'PROPN', '[SEP]'],
  ];
  const counts = TagPairCounts.ofTexts(texts);
  const density = counts.hardDensity(PAPER_RULES);
  const drawn = Array.from({ length: 10 }, (_, seed) => permutedRules(PAPER_RULES, counts, density, seed));

  /** For each tag the number of its rules as query and as key, sorted: the same under any names. */
  const degrees = (hard: readonly TagPair[]) =>
    PAPER_RULES.tags
      .map((tag) => [0, 1].map((side) => hard.filter((pair) => pair[side] === tag).length).join(' '))
      .sort();

  it('have the form and about the density of the rules, under other tags that depend on the seed', () => {
    for (const { hard } of drawn) {
      expect(hard).toHaveLength(PAPER_RULES.hard.length);
      expect(degrees(hard)).toEqual(degrees(PAPER_RULES.hard));
      expect(Math.abs(shareOf(hard, counts) / density - 1)).toBeLessThanOrEqual(0.05);
      expect(hard.filter(([query]) => query === '[CLS]')).toHaveLength(20);
      expect(hard, 'tags that do not occur keep their names').toContainEqual(['SCONJ', 'SCONJ']);
    }
    const texts = [PAPER_RULES, ...drawn].map(({ hard }) => hard.map(String).sort().join());
    expect(new Set(texts).size, 'all differ').toBe(11);
    expect(permutedRules(PAPER_RULES, counts, density, 3)).toEqual(drawn[3]);
  });
});
