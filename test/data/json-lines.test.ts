import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonLines } from '../../src/data/json-lines.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';

describe('parseJsonLines', () => {
  it('reads back any objects, with any names in any order', () => {
    const anyObject = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('text', 'label')), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.array(anyObject, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('\n', '\r\n', '\n\n', '\r'),
        (objects, lineBreak) => {
          const lines = objects.map((object) => JSON.stringify(object));
          const { columns, rows } = parseJsonLines(lines.join(lineBreak), 'f');
          const step = lineBreak === '\n\n' ? 2 : 1;
          expect(rows.map(({ number }) => number)).toEqual(objects.map((_, index) => 1 + step * index));
          for (const [index, line] of lines.entries()) {
            const expected: Record<string, unknown> = JSON.parse(line);
            const read = columns.flatMap((name, column) => {
              const value = rows[index].cells[column];
              return value === undefined ? [] : [[name, value] as const];
            });
            expect(new Map(read)).toEqual(new Map(Object.entries(expected)));
          }
        },
      ),
      runs(300),
    );
  });

  it.each([
    ['no JSON', '{"text":"a"}\n\n{"text": a}\n', /^f:3: not JSON \(.*\); expected an object in each line$/],
    ['a list of all', '[{"text":"a"}]\n', /^f:1: not a JSON object; expected an object in each line/],
    ['a list over several lines', '[\n{"text":"a"}\n]\n', /^f:1: not JSON/],
    ['nothing', 'null', /^f:1: not a JSON object/],
  ])('refuses %s by file and line', (_, text, says) => {
    expect(callerErrorOf(() => parseJsonLines(text, 'f')).message).toMatch(says);
  });
});
