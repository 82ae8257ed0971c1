import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { formatRules, parseRules } from '../../src/grammar/rules-file.js';
import { runs } from '../support/arbitraries.js';
import { callerErrorOf, LINE_BREAK } from './caller-error.js';

/** The mistake, the file's lines, the line that the error must name, and its message. */
type Mistake = [name: string, lines: string[], line: number, says: RegExp];

const SIXTY_FIVE = Array.from({ length: 65 }, (_, index) => index);

const MISTAKES: Mistake[] = [
  ['an empty file', [''], 1, /not JSON/],
  ['an unquoted word', ['{', '  "hard": nouns', '}'], 2, /not JSON/],
  ['an unclosed list', ['{', '  "hard": [["X", "X"]', '}'], 3, /not JSON/],
  ['an unclosed object', ['{', '  "hard": []'], 2, /not JSON/],
  ['a missing comma', ['{', '  "hard": []', '  "soft": []', '}'], 3, /not JSON/],
  ['a comma too many', ['{', '  "hard": [', '    ["X", "X"],', '  ]', '}'], 4, /not JSON/],
  ['a missing value', ['{', '', '  "hard": }'], 3, /not JSON/],
  ['garbage after the end', ['{', '  "hard": []', '}', '', 'x'], 5, /not JSON/],
  ['a second object', ['{ "hard": [] }', '{ "hard": [] }'], 2, /not JSON/],
  ['a list', ['', '[["X", "X"]]'], 2, /a JSON array; expected an object/],
  ['a string', ['"hard"'], 1, /a JSON string; expected an object/],
  ['null', ['null'], 1, /a JSON null; expected an object/],
  ['no rules', ['', '{ "beta": 5 }'], 2, /no rules/],
  ['an empty object', ['{}'], 1, /no rules/],
  [
    'an unknown field',
    ['{', '  "hard": [],', '  "medium": []', '}'],
    3,
    /unknown field "medium".*name, tags, scope, hard, soft, beta/,
  ],
  [
    'a repeated field',
    ['{', '  "hard": [],', '  "soft": [],', '  "hard": []', '}'],
    4,
    /"hard" is here a second time/,
  ],
  [
    'a name that is not a string',
    ['{', '  "name": 5,', '  "hard": []', '}'],
    2,
    /"name" is a number; expected a string/,
  ],
  [
    'a beta that is a string',
    ['{', '  "hard": [],', '  "beta": "5"', '}'],
    3,
    /"beta" is "5"; expected a number/,
  ],
  [
    'a beta that is null',
    ['{', '  "hard": [],', '  "beta": null', '}'],
    3,
    /"beta" is null; expected a number/,
  ],
  [
    'a beta that is a list',
    ['{', '  "hard": [],', '  "beta": [', '5]', '}'],
    3,
    /"beta" is \[5\]; expected a number/,
  ],
  [
    'a query listed a second time',
    ['{ "hard": {', '  "X": ["X"],', '  "X": ["ADJ"]', '} }'],
    3,
    /"X" is here a second time; remove one/,
  ],
  ['deeply nested lists', ['{ "hard":', '['.repeat(20_000)], 2, /more than 100 objects and lists in each/],
  ['objects in objects without end', ['{"hard":'.repeat(20_000)], 1, /more than 100 objects and lists/],
  [
    'a tag as a name and as an integer',
    ['{ "tags": [7,', '"7"], "hard": [] }'],
    2,
    /tag "7" is listed twice/,
  ],
  [
    'a beta beyond f32',
    ['{ "hard": [],', '  "beta": 1e39 }'],
    2,
    /"beta" is 1e\+39; expected a number that f32/,
  ],
  [
    'more pairs than any model has rules',
    ['{ "hard": [', Array.from({ length: 5000 }, (_, w) => `["*", "*", ${w}]`).join(','), '] }'],
    2,
    /too many rules; expected 300000 pairs/,
  ],
  ['an infinite beta', ['{ "hard": [],', '  "beta": 1e999 }'], 2, /"beta" is .*; expected a number/],
  [
    'tags that are not a list',
    ['{', '  "tags": "X",', '  "hard": []', '}'],
    2,
    /"tags" is a string; expected a list/,
  ],
  ['no tags', ['{', '  "hard": [],', '  "tags": []', '}'], 3, /0 tags; expected 1 to 64/],
  [
    'too many tags',
    ['{ "hard": [],', `  "tags": ${JSON.stringify(SIXTY_FIVE)} }`],
    2,
    /65 tags; expected 1 to 64/,
  ],
  [
    'a duplicate tag',
    ['{', '  "tags": [', '    "a",', '    "b",', '    "a"],', '  "hard": [] }'],
    5,
    /tag "a" is listed twice/,
  ],
  ['a duplicate integer tag', ['{ "tags": [7,', '7], "hard": [] }'], 2, /tag 7 is listed twice/],
  [
    'a fraction as a tag',
    ['{ "tags": [1,', '1.5], "hard": [] }'],
    2,
    /1\.5 as a tag; expected a name or an integer/,
  ],
  ['a list as a tag', ['{ "tags": ["a",', '["b"]], "hard": [] }'], 2, /\["b"\] as a tag/],
  ['an empty tag', ['{ "tags": ["a",', '""], "hard": [] }'], 2, /"" as a tag/],
  ['a wildcard as a tag', ['{ "tags": ["a",', '"*"], "hard": [] }'], 2, /"\*" as a tag/],
  ['hard rules that are a string', ['{', '  "hard": "X"', '}'], 2, /"hard" is a string/],
  ['soft rules that are null', ['{', '', '  "soft": null', '}'], 3, /"soft" is a null/],
  [
    'keys that are not a list',
    ['{ "hard": {', '  "ADJ": "NOUN"', '} }'],
    2,
    /the keys of "ADJ" are a string/,
  ],
  [
    'a pair that is a tag',
    ['{ "soft": [', '  ["X", "X"],', '  "X"', '] }'],
    3,
    /a rule in "soft" that is not a pair/,
  ],
  ['a pair of three', ['{ "hard": [', '  ["X", "X", "X"]', '] }'], 2, /scope "X"; expected "document"/],
  [
    'an unknown query in a hard rule',
    ['{ "hard": {', '  "ADJ": ["NOUN"],', '  "ADJEKTIV": ["NOUN"]', '} }'],
    3,
    /unknown tag "ADJEKTIV".*\*, ADJ, ADP/,
  ],
  [
    'an unknown key in a hard rule',
    ['{ "hard": {', '  "ADJ": ["NOUN",', '    "NOMEN"]', '} }'],
    3,
    /unknown tag "NOMEN".*\*, =, ADJ/,
  ],
  [
    'an unknown query in a soft rule',
    ['{', '  "soft": [', '    ["X", "X"],', '    ["Y", "X"]', '  ]', '}'],
    4,
    /unknown tag "Y"/,
  ],
  [
    'an unknown key in a soft rule',
    ['{ "tags": ["a"],', '  "soft": [["a",', '  "b"]] }'],
    3,
    /unknown tag "b"; expected one of: \*, =, a; correct it or add it/,
  ],
  ['= as query', ['{ "hard": [', '["=", "X"]] }'], 2, /unknown tag "="/],
  ['a number where tags are names', ['{ "hard": [', '["X", 3]] }'], 2, /unknown tag 3/],
  ['a name where tags are integers', ['{ "tags": [3],', ' "hard": [[3, "3"]] }'], 2, /unknown tag "3"/],
  ['an object as tag', ['{ "hard": [', '[{', '"X": 1}, "X"]] }'], 2, /unknown tag \{"X":1\}/],
];

describe('parseRules refuses', () => {
  it.each(MISTAKES)('%s', (_, lines, line, says) => {
    for (const lineBreak of ['\n', '\r\n']) {
      const { message } = callerErrorOf(() => parseRules(lines.join(lineBreak), 'folder/my rules.json'));
      expect(message).toMatch(says);
      expect(message.startsWith(`folder/my rules.json:${line}: `), message).toBe(true);
    }
  });

  it.each([
    ['line feed', '\\n'],
    ['carriage return', '\\r'],
  ])('names with a %s, in a message of one line', (_, written) => {
    callerErrorOf(() => parseRules(`{ "a${written}b": 1 }`));
    callerErrorOf(() => parseRules(`{ "hard": { "a${written}b": 1 } }`));
    callerErrorOf(() => parseRules(`{ "tags": ["a${written}b"], "hard": [["c", "c"]] }`));
  });

  it('any broken file with a message of one line that names one of its lines', () => {
    const rules = {
      name: 'x',
      tags: ['a', 'b', 7],
      hard: [['a', 'b'] as const],
      soft: [[7, 'a'] as const],
      beta: 5,
    };
    const text = formatRules(rules);
    const position = fc.nat({ max: text.length });
    const inserted = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('"', '\n', '{', '[', ']', ',', '*', '7', '\\'),
    );
    fc.assert(
      fc.property(position, fc.nat({ max: 12 }), inserted, (at, removed, insertion) => {
        const broken = text.slice(0, at) + insertion + text.slice(at + removed);
        try {
          parseRules(broken, 'f');
        } catch (error) {
          expect(error).toBeInstanceOf(CallerError);
          const { message } = error as CallerError;
          const line = Number(/^f:(\d+): /.exec(message)?.[1]);
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(broken.split('\n').length);
          expect(message).not.toMatch(LINE_BREAK);
        }
      }),
      runs(2000),
    );
  });
});
