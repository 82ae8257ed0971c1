import { describe, expect, it } from 'vitest';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { type RuleSet, type Tag, tagIndexes } from '../../src/grammar/rules.js';
import { callerErrorOf } from './caller-error.js';

function rulesOver(tags: readonly Tag[]): RuleSet {
  return { name: 'test', tags, hard: [], soft: [], beta: 5 };
}

describe('tagIndexes', () => {
  it('looks names up', () => {
    expect([...tagIndexes(rulesOver(['x', 'y', 'z']), ['z', 'x', 'x', 'y'])]).toEqual([2, 0, 0, 1]);
  });

  it('takes integers for indexes where the tags are names', () => {
    expect([...tagIndexes(rulesOver(['x', 'y', 'z']), [2, 0, 'y', 1])]).toEqual([2, 0, 1, 1]);
    expect([...tagIndexes(PAPER_RULES, Uint8Array.of(19, 0))]).toEqual([19, 0]);
  });

  it('looks integers up by value where the tags are integers', () => {
    const rules = rulesOver([-5, 0, 1_000_003]);
    expect([...tagIndexes(rules, [1_000_003, -5, 0, -5])]).toEqual([2, 0, 1, 0]);
    expect([...tagIndexes(rules, Int32Array.of(0, 1_000_003))]).toEqual([1, 2]);
    callerErrorOf(() => tagIndexes(rules, [1]));
    callerErrorOf(() => tagIndexes(rules, [2]));
  });

  it('looks integers up by value also where only some tags are integers', () => {
    const rules = rulesOver(['x', 0, 7]);
    expect([...tagIndexes(rules, [0, 7, 'x'])]).toEqual([1, 2, 0]);
    callerErrorOf(() => tagIndexes(rules, [1]));
  });

  it.each<Tag>(['NOUNS', 'noun', '', 'constructor', 20, -1, 1.5, Number.NaN])(
    'refuses %s and says which token it is',
    (tag) => {
      const { message } = callerErrorOf(() => tagIndexes(PAPER_RULES, ['NOUN', 'VERB', tag]));
      expect(message).toContain('unknown tag');
      expect(message).toContain('tags[2]');
      expect(message).toContain('ADJ, ADP');
    },
  );

  it('works with 64 tags', () => {
    const tags = Array.from({ length: 64 }, (_, index) => `t${index}`);
    expect([...tagIndexes(rulesOver(tags), ['t63', 63, 't0'])]).toEqual([63, 63, 0]);
  });

  it('returns nothing for no tags', () => {
    expect(tagIndexes(PAPER_RULES, [])).toHaveLength(0);
  });
});
