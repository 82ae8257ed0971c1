import { describe, expect, it } from 'vitest';
import type { HeadRules } from '../../src/grammar/head-rules.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { headChanges, ruleChanges } from '../../src/grammar/rule-difference.js';
import { reachText, ruleMatrix } from '../../src/grammar/rule-matrix.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import { EVERYWHERE, reachOf } from '../../src/grammar/scope.js';
import { callerErrorOf } from './caller-error.js';

const A: RuleSet = {
  name: 'A',
  tags: ['x', 'y'],
  hard: [
    ['x', 'x'],
    ['x', 'y', 4],
    ['x', 'y', 'sentence'],
    ['y', 'y', 2],
  ],
  soft: [
    ['y', 'x'],
    ['y', 'y'],
    ['x', 'y', 3],
  ],
  beta: 5,
};

describe('what differs between rules', () => {
  it('is nothing where only order and wording differ', () => {
    const same: RuleSet = {
      ...A,
      hard: [...A.hard].reverse(),
      soft: [['y', 'x', 'document'], ...A.soft.slice(1), ['y', 'y', 7]],
    };
    expect(ruleChanges(A, same)).toEqual([]);
    expect(headChanges(PAPER_RULES, PAPER_RULES)).toEqual([{ changes: [] }]);
  });

  it('is reported pair by pair: only left, only right, another scope', () => {
    const b: RuleSet = {
      ...A,
      hard: [
        ['x', 'x'],
        ['x', 'y', 4],
        ['y', 'x'],
      ],
      soft: A.soft,
    };
    expect(ruleChanges(A, b)).toEqual([
      { kind: 'hard', query: 'x', key: 'y', reach: [4.5, 4] },
      { kind: 'hard', query: 'y', key: 'y', reach: [2, undefined] },
      { kind: 'hard', query: 'y', key: 'x', reach: [undefined, EVERYWHERE] },
    ]);
  });

  const heads: HeadRules = {
    name: 'heads',
    tags: A.tags,
    beta: 5,
    heads: [[A, { hard: A.hard, soft: [] }]],
  };

  it('is reported head by head, also for one rule set and each head', () => {
    const changes = headChanges(A, heads);
    expect(changes.map(({ layer, head, changes: { length } }) => [layer, head, length])).toEqual([
      [0, 0, 0],
      [0, 1, 3],
    ]);
    expect(changes[1].changes[0].reach).toEqual([EVERYWHERE, undefined]);
    expect(headChanges(heads, A)[1].changes[0].reach).toEqual([undefined, EVERYWHERE]);
  });

  it('is refused for other numbers of heads', () => {
    const more = { ...heads, name: 'more', heads: [heads.heads[0], heads.heads[0]] };
    expect(callerErrorOf(() => headChanges(heads, more)).message).toBe(
      'rules "more": rules for 2 layers of 2 heads; expected 1 layers of 2 heads, as "heads" has',
    );
  });
});

describe('a rule set as a matrix', () => {
  it('marks hard and soft rules with their scopes, and soft ones where they reach further', () => {
    expect(ruleMatrix(A)).toEqual([
      ['●', '●4s'],
      ['○', '●2○'],
    ]);
    expect(ruleMatrix({ ...A, hard: [], soft: [] })).toEqual([
      ['·', '·'],
      ['·', '·'],
    ]);
  });

  it('describes the scope of a rule in words', () => {
    expect(
      ([['document'], ['sentence'], [0], [128]] as const).map(([scope]) => reachText(reachOf(scope))),
    ).toEqual(['document', 'sentence', '0 tokens', '128 tokens']);
    expect(reachText(4.5)).toBe('4 tokens or sentence');
  });
});
