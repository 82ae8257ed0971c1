import { describe, expect, it } from 'vitest';
import { formatRules, parseRules } from '../../src/grammar/rules-file.js';
import { callerErrorOf } from './caller-error.js';

const TAGS = '"tags": ["a", "b", "c"]';

describe('scopes in rules files', () => {
  it('are the third item of a pair, a field beside a key, or a default of the file', () => {
    const { hard, soft } = parseRules(`{ ${TAGS}, "scope": 128,
      "hard": [["a", "b"], ["a", "c", "sentence"], ["b", "c", "document"], ["c", "a", 1]],
      "soft": { "a": ["a", { "tag": "b", "scope": 3 }, { "tag": "c" }] } }`);
    expect(hard).toEqual([
      ['a', 'b', 128],
      ['a', 'c', 'sentence'],
      ['b', 'c'],
      ['c', 'a', 1],
    ]);
    expect(soft).toEqual([
      ['a', 'a', 128],
      ['a', 'b', 3],
      ['a', 'c', 128],
    ]);
  });

  it('hold for the tags of * and =, and one pair may have several', () => {
    const { hard } = parseRules(`{ "tags": ["a", "b"], "hard": [["*", "=", "sentence"], ["a", "*", 2]] }`);
    expect(hard).toEqual([
      ['a', 'a', 'sentence'],
      ['b', 'b', 'sentence'],
      ['a', 'a', 2],
      ['a', 'b', 2],
    ]);
  });

  it('are written as they are read', () => {
    const rules = parseRules(`{ "name": "x", ${TAGS}, "hard": [["a", "b", 5], ["a", "b", "sentence"]],
      "soft": [["c", "c"]] }`);
    expect(parseRules(formatRules(rules))).toEqual(rules);
    expect(formatRules(rules)).toContain('["a","b","sentence"]');
  });

  it.each<[string, string[], number, RegExp]>([
    [
      'of a pair',
      ['{ "hard": [', '["X", "X"],', '["X", "X", "word"]] }'],
      3,
      /scope "word"; expected "document"/,
    ],
    ['that is negative', ['{ "hard": [["X", "X",', '-1]] }'], 2, /scope -1/],
    ['that is a fraction', ['{', '"scope": 1.5, "hard": [] }'], 2, /scope 1.5/],
    ['of a file', ['{ "hard": [],', '', '"scope": null }'], 3, /scope null/],
    ['beside a key', ['{ "hard": { "X": ["X", {', '"tag": "X", "scope": "all" }] } }'], 2, /scope "all"/],
    ['without a key', ['{ "hard": { "X": [', '{ "scope": 5 }] } }'], 2, /a key that is neither a tag nor/],
    [
      'with anything else',
      ['{ "hard": { "X": [', '{ "tag": "X", "of": 5 }] } }'],
      2,
      /a key that is neither/,
    ],
    ['with a fourth', ['{ "hard": [', '["X", "X", 5, 6]] }'], 2, /a rule in "hard" that is not a pair/],
  ])('are refused with file and line: one %s', (_, lines, line, says) => {
    const { message } = callerErrorOf(() => parseRules(lines.join('\n'), 'my.json'));
    expect(message).toMatch(says);
    expect(message.startsWith(`my.json:${line}: `), message).toBe(true);
  });
});
