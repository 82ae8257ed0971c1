import { describe, expect, it } from 'vitest';
import { closest } from '../../src/base/closest.js';
import { CallerError } from '../../src/base/errors.js';

const NAMES = ['none', 'hard', 'soft', 'guided', 'learned'];

describe('closest', () => {
  it.each([
    ['hrad', 'hard'],
    ['HARD', 'hard'],
    ['gudied', 'guided'],
    ['learnt', 'learned'],
    ['harder', 'hard'],
    ['paper', undefined],
    ['x', undefined],
    ['', undefined],
  ])('of %j is %j', (word, expected) => {
    expect(closest(word, NAMES)).toBe(expected);
  });
});

describe('an error', () => {
  const messageOf = (what: string, expected: string, where?: string) =>
    new CallerError({ what, expected, where, remedy: 'correct it' }).message;

  it('suggests what a quoted name probably means, before the remedy', () => {
    expect(messageOf('unknown field "grid.sede"', 'one of: seed, epochs')).toBe(
      'unknown field "grid.sede"; expected one of: seed, epochs; did you mean seed?; correct it',
    );
    expect(messageOf('no column "sentense"', 'it among: sentence, label')).toMatch(/did you mean sentence\?/);
  });

  it('suggests nothing for a name that is right, far from all, or not from a list', () => {
    expect(messageOf('"strategy" is "hard"', 'one of: none, hard')).not.toMatch(/did you mean/);
    expect(messageOf('"strategy" is "paper"', 'one of: none, hard')).not.toMatch(/did you mean/);
    expect(messageOf('unknown field "sede"', 'a seed')).not.toMatch(/did you mean/);
  });
});
