import { describe, expect, it } from 'vitest';
import { splitScope, withScope } from '../../src/grammar/head-rules.js';
import { PAPER_RULES, presetRules } from '../../src/grammar/presets.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import { callerErrorOf } from './caller-error.js';

describe('rules within a scope', () => {
  it('are given after an @, and only there', () => {
    expect(splitScope('paper@sentence')).toEqual({ base: 'paper', scope: 'sentence' });
    expect(splitScope('my@home/rules.json@128')).toEqual({ base: 'my@home/rules.json', scope: 128 });
    for (const name of ['paper', 'my@home/rules.json', '@128', 'paper@-1', 'paper@']) {
      expect(splitScope(name), name).toEqual({ base: name, scope: undefined });
    }
  });

  it('keep their scopes, and what [CLS] sees', () => {
    const rules: RuleSet = {
      name: 'custom',
      tags: ['[CLS]', 'a', 'b'],
      hard: [
        ['[CLS]', 'a'],
        ['a', 'b'],
        ['b', 'a', 'document'],
      ],
      soft: [['a', 'a', 3]],
      beta: 2,
    };
    expect(withScope(rules, 7)).toEqual({
      name: 'custom@7',
      tags: rules.tags,
      hard: [
        ['[CLS]', 'a'],
        ['a', 'b', 7],
        ['b', 'a', 'document'],
      ],
      soft: [['a', 'a', 3]],
      beta: 2,
    });
    expect(withScope(rules, undefined)).toBe(rules);
  });

  it('come from presets too', () => {
    const { name, hard } = presetRules('paper@sentence');
    expect(name).toBe('paper@sentence');
    expect(hard.map(([query, key]) => [query, key])).toEqual(
      PAPER_RULES.hard.map(([query, key]) => [query, key]),
    );
    expect(hard).toContainEqual(['ADJ', 'NOUN', 'sentence']);
    expect(callerErrorOf(() => presetRules('papers@128')).message).toContain('"papers@128"');
  });
});

describe('the preset all-pairs', () => {
  it('has every pair of tags', () => {
    const { tags, hard } = presetRules('all-pairs');
    expect(new Set(hard.map((pair) => pair.join())).size).toBe(tags.length ** 2);
  });
});
