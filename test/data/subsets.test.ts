import { describe, expect, it } from 'vitest';
import { isInSubset } from '../../src/data/subsets.js';

describe('subsets by words', () => {
  it.each([
    ['it is not funny .', 'negation', true],
    ["it does n't work .", 'negation', true],
    ["it doesn't work .", 'negation', true],
    ['Nothing happens .', 'negation', true],
    ['a notable film .', 'negation', false],
    ['funny but long .', 'contrast', true],
    ['a butcher yells .', 'contrast', false],
    ['', 'contrast', false],
  ])('"%s" in %s: %s', (text, subset, expected) => {
    expect(isInSubset(text, subset)).toBe(expected);
  });
});
