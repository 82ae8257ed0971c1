import { describe, expect, it } from 'vitest';
import { checkHeads, type HeadRules, ruleSetsOf, withScope } from '../../src/grammar/head-rules.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { formatRules, parseModelRules, parseRules } from '../../src/grammar/rules-file.js';
import { callerErrorOf } from './caller-error.js';

const TEXT = `{
  "name": "two by two", "tags": ["a", "b", 7], "beta": 3,
  "heads": [
    [{ "hard": { "a": ["b", 7], "*": ["="] } }, { "soft": [["a", "b"]] }],
    [{ "hard": [["b", "*"]], "soft": [[7, "a", "sentence"]] }, { "hard": [["a", 7], ["a", "b"], ["*", "="]] }]
  ]
}`;

const RULES = parseModelRules(TEXT, 'my.json') as HeadRules;

describe('a rules file with rules for each head', () => {
  it('is read layer by layer, head by head', () => {
    expect(RULES).toMatchObject({ name: 'two by two', tags: ['a', 'b', 7], beta: 3 });
    expect(RULES.heads.map((layer) => layer.length)).toEqual([2, 2]);
    expect(RULES.heads[0][1]).toEqual({ hard: [], soft: [['a', 'b']] });
    expect(RULES.heads[1][0].hard).toEqual([
      ['b', 'a'],
      ['b', 'b'],
      ['b', 7],
    ]);
    expect(RULES.heads[1][0].soft).toEqual([[7, 'a', 'sentence']]);
  });

  it('is written so that it reads back the same', () => {
    expect(parseModelRules(formatRules(RULES), 'other.json')).toEqual(RULES);
    expect(formatRules(RULES).split('\n').length, 'a line for each query, not for each pair').toBeLessThan(
      50,
    );
  });

  it('gives heads with the same rules the same rule set, in any order of rules', () => {
    const [[first, second], [third, fourth]] = ruleSetsOf(RULES);
    expect(fourth).toBe(first);
    expect(new Set([first, second, third]).size).toBe(3);
    expect(first).toMatchObject({ name: 'two by two', tags: ['a', 'b', 7], beta: 3 });
  });

  it('takes the scope of the file for rules without one', () => {
    const scoped = parseModelRules(TEXT.replace('"beta"', '"scope": 4, "beta"')) as HeadRules;
    expect(scoped.heads[0][1].soft).toEqual([['a', 'b', 4]]);
    expect(scoped.heads[1][0].soft).toEqual([[7, 'a', 'sentence']]);
  });

  it.each<[string, string, number, RegExp]>([
    [
      'heads that are not a list',
      '{\n"heads": {} }',
      2,
      /a JSON object in "heads"; expected a list of layers/,
    ],
    ['no layers', '{\n"heads": [] }', 2, /an empty list in "heads"/],
    ['a layer without heads', '{ "heads": [\n[]] }', 2, /an empty list in "heads"/],
    ['a head without rules', '{ "heads": [[\n{}]] }', 2, /no rules; expected a field "hard"/],
    [
      'a head with a name',
      '{ "heads": [[{\n"name": "x" }]] }',
      2,
      /unknown field "name"; expected one of: hard, soft/,
    ],
    ['an unknown tag', '{ "heads": [[{ "hard": [] }, { "hard":\n[["X", "Y"]] }]] }', 2, /unknown tag "Y"/],
    [
      'layers of different sizes',
      '{ "heads": [[{ "hard": [] }, { "hard": [] }],\n[{ "hard": [] }]] }',
      2,
      /1 heads in layer 1; expected 2, as in layer 0/,
    ],
    [
      'rules for all heads as well',
      '{ "heads": [[{ "hard": [] }]],\n"soft": [] }',
      2,
      /rules for all heads and rules for each/,
    ],
  ])('is refused with %s', (_, text, line, says) => {
    const { message } = callerErrorOf(() => parseModelRules(text, 'my.json'));
    expect(message).toMatch(says);
    expect(message.startsWith(`my.json:${line}: `), message).toBe(true);
  });

  it('is refused where one rule set is wanted', () => {
    const { message } = callerErrorOf(() => parseRules(TEXT, 'my.json'));
    expect(message).toMatch(/^my\.json:3: rules for each head; expected one rule set for all heads/);
  });
});

describe('rules for each head', () => {
  it('are refused where the model has other layers or heads; one rule set fits all', () => {
    checkHeads(RULES, { layers: 2, heads: 2 });
    checkHeads(PAPER_RULES, { layers: 7, heads: 3 });
    for (const shape of [
      { layers: 1, heads: 2 },
      { layers: 2, heads: 4 },
    ]) {
      const { message } = callerErrorOf(() => checkHeads(RULES, shape, 'my.json'));
      expect(message).toBe(
        `my.json: rules for 2 layers of 2 heads; expected ${shape.layers} layers of ${shape.heads}, as the model has`,
      );
    }
  });

  it('take a scope as one rule set does', () => {
    const scoped = withScope(RULES, 'sentence');
    expect(scoped.name).toBe('two by two@sentence');
    expect(scoped.heads[0][1].soft).toEqual([['a', 'b', 'sentence']]);
    expect(scoped.tags).toBe(RULES.tags);
  });
});
