import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/data/delimited-text.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';

const BOM = '\ufeff';

const anyField = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', '\r\n', ' ', '\t', ';', BOM, 'a', '😀', 'م') }),
);

/** A table and, for each field, whether it has quotation marks that it does not need. */
const anyTable = fc.integer({ min: 1, max: 4 }).chain((columns) =>
  fc.array(
    fc.array(fc.record({ text: anyField, quoted: fc.boolean() }), {
      minLength: columns,
      maxLength: columns,
    }),
    { minLength: 1, maxLength: 6 },
  ),
);

/** A field as RFC 4180 writes it. */
function written({ text, quoted }: { text: string; quoted: boolean }): string {
  const needsQuotes = /[",\r\n]/.test(text) || text === '' || text.startsWith(BOM);
  return quoted || needsQuotes ? `"${text.split('"').join('""')}"` : text;
}

function cellsOf(text: string): unknown[] {
  return parseCsv(text, 'f').rows.map(({ cells }) => cells);
}

describe('parseCsv', () => {
  it('reads back what was written, and the first line of each row', () => {
    const anyLayout = fc.record({
      lineBreak: fc.constantFrom('\n', '\r\n', '\r'),
      mark: fc.constantFrom('', BOM),
      end: fc.boolean(),
    });
    fc.assert(
      fc.property(anyTable, anyLayout, ([head, ...rows], { lineBreak, mark, end }) => {
        const records = [head, ...rows].map((fields) => fields.map(written).join(','));
        const table = parseCsv(mark + records.join(lineBreak) + (end ? lineBreak : ''), 'f');
        // Where lines end in "\r" alone, "\r" is a line break everywhere.
        const isOld = lineBreak === '\r' && (end || records.length > 1);
        const texts = (fields: typeof head) =>
          fields.map(({ text }) => (isOld ? text.replace(/\r\n?/g, '\n') : text));
        expect(table.columns).toEqual(texts(head));
        let line = 1;
        const numbers = records.map((record) => {
          const number = line;
          line += record.split(isOld ? /\r\n?|\n/ : '\n').length;
          return number;
        });
        expect(table.rows).toEqual(
          rows.map((fields, index) => ({ number: numbers[index + 1], cells: texts(fields) })),
        );
      }),
      runs(400),
    );
  });

  it('reads what Python and spreadsheets write', () => {
    const text = `${BOM}id,text,label\r\n1,"He said ""no"", twice\r\nand left",0\r\n2,plain; 'text',1\r\n`;
    expect(parseCsv(text, 'f')).toMatchObject({
      columns: ['id', 'text', 'label'],
      rows: [
        { number: 2, cells: ['1', 'He said "no", twice\r\nand left', '0'] },
        { number: 4, cells: ['2', "plain; 'text'", '1'] },
      ],
    });
  });

  it('skips empty lines, unless they are empty texts', () => {
    expect(cellsOf('a,b\n\n1,2\n\n')).toEqual([['1', '2']]);
    expect(cellsOf('a\n\n""\nb\n')).toEqual([[''], [''], ['b']]);
    expect(cellsOf('a,b\n,\n')).toEqual([['', '']]);
    expect(cellsOf('')).toEqual([]);
    expect(cellsOf('a,b')).toEqual([]);
  });

  it.each([
    [
      'a quotation mark inside a plain field',
      'a,b\n1,2\nx"y,2\n',
      /^f:3: .* a quotation mark inside a field/,
    ],
    ['a quotation mark that is never closed', 'a,b\n1,"x\ny\n3,4\n', /^f:2: .*opened and never closed/],
    ['text after a quotation mark', 'a,b\n"\r\n",1\n1,"x\ny"z\n', /^f:4: .* text after the quotation mark/],
    ['a carriage return alone', 'a,b\n1,2\r3,4\n', /^f:2: 3 fields; expected 2/],
    ['a field too many', 'a,b\n"1\n",2\n1,2,3\n', /^f:4: 3 fields; expected 2 \(a, b\), separated by commas/],
    ['a field too few', 'a,b\n1\n', /^f:2: 1 fields; expected 2/],
  ])('refuses %s by file and line', (_, text, says) => {
    expect(callerErrorOf(() => parseCsv(text, 'f')).message).toMatch(says);
  });
});
