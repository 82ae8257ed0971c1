import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomRules } from '../../src/grammar/density-rules.js';
import { PAPER_RULES, presetRules } from '../../src/grammar/presets.js';
import { TagPairCounts } from '../../src/grammar/tag-pair-counts.js';
import { TOKEN_TAGS, UNIVERSAL_TAGS } from '../../src/grammar/tags.js';

const texts = fc.array(
  fc.array(fc.constantFrom(...UNIVERSAL_TAGS), { maxLength: 30 }).map((tags) => ['[CLS]', ...tags, '[SEP]']),
  { minLength: 1, maxLength: 8 },
);

/** The share of pairs that hard rules allow, pair by pair. */
function densityByPairs(all: string[][], rules: { hard: readonly (readonly unknown[])[] }): number {
  let [allowed, total] = [0, 0];
  for (const tags of all) {
    for (const query of tags) {
      for (const key of tags) {
        total++;
        if (rules.hard.some(([from, to]) => from === query && to === key)) allowed++;
      }
    }
  }
  return allowed / total;
}

describe('pairs of some texts', () => {
  it('are counted as if one by one, and never across texts', () => {
    fc.assert(
      fc.property(texts, (all) => {
        const counts = TagPairCounts.ofTexts(all);
        expect(counts.total).toBe(all.reduce((sum, tags) => sum + tags.length ** 2, 0));
        expect(counts.hardDensity(PAPER_RULES)).toBeCloseTo(densityByPairs(all, PAPER_RULES), 12);
      }),
      { numRuns: 30 },
    );
  });
});

describe('random rules', () => {
  const noun = (count: number) => Array.from({ length: count }, (_, index) => UNIVERSAL_TAGS[index % 17]);
  const counts = TagPairCounts.ofTexts([5, 17, 40, 61].map((length) => ['[CLS]', ...noun(length), '[SEP]']));

  it('come near the requested density, differ by seed, and let [CLS] see everything and every tag itself', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const rules = randomRules(counts, 0.4, seed);
      expect(Math.abs(counts.hardDensity(rules) - 0.4)).toBeLessThan(0.01);
      for (const tag of counts.tags) {
        expect(rules.hard).toContainEqual(['[CLS]', tag]);
        expect(rules.hard).toContainEqual([tag, tag]);
      }
      expect(randomRules(counts, 0.4, seed)).toEqual(rules);
      expect(randomRules(counts, 0.4, seed + 100).hard).not.toEqual(rules.hard);
    }
  });
});

describe('the floor', () => {
  it('lets every token see only itself, and [CLS] everything', () => {
    const { hard, soft } = presetRules('floor');
    expect(soft).toEqual([]);
    const sameTag = hard.filter(([query, key]) => query === key && query !== '[CLS]');
    expect(sameTag).toHaveLength(TOKEN_TAGS.length - 1);
    expect(sameTag.every(([, , scope]) => scope === 0)).toBe(true);
    const classified = hard.filter(([query, , scope]) => query === '[CLS]' && scope === undefined);
    expect(classified.map(([, key]) => key)).toEqual(TOKEN_TAGS);
    expect(hard.every(([query, key]) => query === key || query === '[CLS]')).toBe(true);
  });
});
