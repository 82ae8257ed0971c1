import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { RuleSet, Tag, TagPair } from '../../src/grammar/rules.js';
import { formatRules, parseRules } from '../../src/grammar/rules-file.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import { runs } from '../support/arbitraries.js';

const anyTag: fc.Arbitrary<Tag> = fc.oneof(
  fc.string({ minLength: 1 }).filter((name) => name !== '*' && name !== '='),
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.maxSafeInteger(),
  fc.constantFrom<Tag>('[CLS]', '"', '\\', 'a b', '__proto__', -5, 0, 1_000_003),
);

/** No two tags are written the same, so that integers differ from names also as keys of a JSON object. */
const anyRules: fc.Arbitrary<RuleSet> = fc
  .uniqueArray(anyTag, { minLength: 1, maxLength: 64, selector: String })
  .chain((tags) => {
    const pair = fc.tuple(fc.constantFrom(...tags), fc.constantFrom(...tags));
    const pairs = fc.uniqueArray(pair, { maxLength: 100, selector: (written) => JSON.stringify(written) });
    // JSON has no negative zero.
    const beta = fc.float({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0);
    return fc.record({ name: fc.string(), tags: fc.constant(tags), hard: pairs, soft: pairs, beta });
  });

/** Rules as keys by query tag. Written by hand, since a JavaScript object would sort its integer keys. */
function asObject(pairs: readonly TagPair[]): string {
  const queries = [...new Set(pairs.map(([query]) => query))];
  const lists = queries.map((query) => {
    const keys = pairs.filter((pair) => pair[0] === query).map((pair) => pair[1]);
    return `${JSON.stringify(String(query))}: ${JSON.stringify(keys)}`;
  });
  return `{ ${lists.join(', ')} }`;
}

function sorted(pairs: readonly TagPair[]): string[] {
  return pairs.map((pair) => JSON.stringify(pair)).sort();
}

describe('parseRules', () => {
  it('reads keys by query tag', () => {
    const rules = parseRules(`{
      "name": "nouns first", "tags": ["ADJ", "NOUN", "[CLS]"], "beta": -2.5,
      "hard": { "ADJ": ["NOUN", "ADJ"], "[CLS]": [] },
      "soft": { "NOUN": ["ADJ"] }
    }`);
    expect(rules).toEqual({
      name: 'nouns first',
      tags: ['ADJ', 'NOUN', '[CLS]'],
      hard: [
        ['ADJ', 'NOUN'],
        ['ADJ', 'ADJ'],
      ],
      soft: [['NOUN', 'ADJ']],
      beta: -2.5,
    });
  });

  it('reads a list of pairs', () => {
    const { hard, soft } = parseRules('{ "hard": [["ADJ", "NOUN"], ["NOUN", "ADJ"]], "soft": [["X", "X"]] }');
    expect(hard).toEqual([
      ['ADJ', 'NOUN'],
      ['NOUN', 'ADJ'],
    ]);
    expect(soft).toEqual([['X', 'X']]);
  });

  it('has defaults: the name of the file, the tags of tokens, no rules, a β of 5', () => {
    expect(parseRules('{ "soft": [] }', 'my.json')).toEqual({
      name: 'my.json',
      tags: TOKEN_TAGS,
      hard: [],
      soft: [],
      beta: 5,
    });
    expect(parseRules('{ "hard": {} }').hard).toEqual([]);
  });

  it('expands * on either side and = as key', () => {
    const { hard, soft } = parseRules(`{ "tags": ["a", "b"],
      "hard": { "*": ["="], "a": ["*"] },
      "soft": [["*", "a"], ["b", "="]] }`);
    expect(sorted(hard)).toEqual(['["a","a"]', '["a","b"]', '["b","b"]']);
    expect(sorted(soft)).toEqual(['["a","a"]', '["b","a"]', '["b","b"]']);
    expect(parseRules('{ "tags": ["a", "b"], "hard": [["*", "*"]] }').hard).toHaveLength(4);
  });

  it('reads integer tags, also as keys of an object', () => {
    const { tags, hard, soft } = parseRules(`{ "tags": [-5, 0, 1000003],
      "hard": { "-5": [0, 1000003], "1000003": ["="], "*": [-5] },
      "soft": [[0, 1000003]] }`);
    expect(tags).toEqual([-5, 0, 1_000_003]);
    expect(sorted(hard)).toEqual([
      '[-5,-5]',
      '[-5,0]',
      '[-5,1000003]',
      '[0,-5]',
      '[1000003,-5]',
      '[1000003,1000003]',
    ]);
    expect(soft).toEqual([[0, 1_000_003]]);
  });

  it('keeps one of equal rules', () => {
    expect(parseRules('{ "hard": [["X", "X"], ["X", "="], ["X", "X"]] }').hard).toEqual([['X', 'X']]);
  });

  it('takes up to 64 tags', () => {
    const tags = Array.from({ length: 64 }, (_, index) => index);
    expect(parseRules(JSON.stringify({ tags, hard: [['*', '*']] })).hard).toHaveLength(64 * 64);
  });

  it('reads the same from either notation', () => {
    fc.assert(
      fc.property(anyRules, ({ tags, hard }) => {
        const text = `{ "tags": ${JSON.stringify(tags)}, "hard": ${asObject(hard)} }`;
        expect(sorted(parseRules(text).hard)).toEqual(sorted(hard));
      }),
      runs(300),
    );
  });
});

describe('formatRules', () => {
  it('writes what parseRules reads', () => {
    fc.assert(
      fc.property(anyRules, (rules) => {
        expect(parseRules(formatRules(rules), 'another name')).toEqual(rules);
      }),
      runs(300),
    );
    expect(parseRules(formatRules(PAPER_RULES))).toEqual(PAPER_RULES);
  });

  it('writes JSON, with the pairs after the other fields, and a line break at its end', () => {
    const text = formatRules(PAPER_RULES);
    expect(JSON.parse(text)).toEqual(PAPER_RULES);
    expect(Object.keys(JSON.parse(text))).toEqual(['name', 'tags', 'beta', 'hard', 'soft']);
    expect(text.endsWith('}\n')).toBe(true);
  });
});
