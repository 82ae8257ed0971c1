import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTsv } from '../../src/data/delimited-text.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';

const BOM = '\ufeff';

/** Any field: quotation marks, commas and spaces, but neither tabs nor line breaks. */
const anyField = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({
      unit: fc.constantFrom('"', "'", ',', ' ', '\\', '#', '\u00a0', '\u2028', BOM, 'a', '😀', 'م'),
    }),
  )
  .map((text) => text.replace(/[\t\n\r]/g, ' '));

const anyRows = fc
  .integer({ min: 1, max: 4 })
  .chain((columns) => fc.array(fc.array(anyField, { minLength: columns, maxLength: columns })));

/** A file in each way in which it may be written. */
const anyLayout = fc.record({
  lineBreak: fc.constantFrom('\n', '\r\n', '\r'),
  mark: fc.constantFrom('', BOM),
  end: fc.boolean(),
});

function cellsOf(text: string): unknown[] {
  return parseTsv(text, 'f').rows.map(({ cells }) => cells);
}

describe('parseTsv', () => {
  it('reads back what was written: every character', () => {
    fc.assert(
      fc.property(anyRows, anyLayout, (rows, { lineBreak, mark, end }) => {
        const columns = (rows[0] ?? ['']).map((_, column) => `column ${column}`);
        // An empty line at the end is the same as a line break there.
        const close = end || rows.at(-1)?.join('') === '' ? lineBreak : '';
        const lines = [columns, ...rows].map((fields) => fields.join('\t'));
        const table = parseTsv(mark + lines.join(lineBreak) + close, 'f');
        expect(table.columns).toEqual(columns);
        expect(table.rows).toEqual(rows.map((cells, index) => ({ number: index + 2, cells })));
      }),
      runs(500),
    );
  });

  it('takes quotation marks as characters', () => {
    expect(cellsOf('sentence\tlabel\n"a ""b" c\t1\n"\t0\n')).toEqual([
      ['"a ""b" c', '1'],
      ['"', '0'],
    ]);
  });

  it('skips empty lines, unless they are empty texts', () => {
    expect(cellsOf('sentence\tlabel\r\n\r\na\t1\r\n\r\n')).toEqual([['a', '1']]);
    expect(cellsOf('sentence\na\n\nb\n')).toEqual([['a'], [''], ['b']]);
    expect(cellsOf('sentence\tlabel\n\t1\n')).toEqual([['', '1']]);
  });

  it('refuses a row of more or fewer fields by file and line', () => {
    const anyRow = fc.constantFrom('a\t1', '"\t0', '');
    const wrongRow = fc.constantFrom('a', 'a\t1\t', 'a\tb\t1', '\t\t');
    fc.assert(
      fc.property(
        fc.array(anyRow),
        wrongRow,
        fc.array(anyRow),
        fc.constantFrom('\n', '\r\n'),
        (above, wrong, below, lineBreak) => {
          const text = ['sentence\tlabel', ...above, wrong, ...below].join(lineBreak);
          const { message } = callerErrorOf(() => parseTsv(text, 'f'));
          expect(message).toBe(
            `f:${above.length + 2}: ${wrong.split('\t').length} fields; expected 2 (sentence, label), separated by tabs`,
          );
        },
      ),
      runs(200),
    );
  });

  it.each([
    ['nothing', ''],
    ['a header line', 'sentence\tlabel'],
    ['empty lines', 'sentence\tlabel\n\r\n\n'],
  ])('finds no rows in %s', (_, text) => {
    expect(cellsOf(text)).toEqual([]);
  });
});
