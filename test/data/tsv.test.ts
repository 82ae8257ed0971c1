import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExamples, parseSentences } from '../../src/data/tsv.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';

const BOM = '\ufeff';

/** Whatever a field may hold: quotation marks, commas and spaces, but neither tabs nor line breaks. */
const anyField = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('"', "'", ',', ' ', '\\', '#', '\u00a0', '\u2028', BOM, 'a') }),
  )
  .map((text) => text.replace(/[\t\n\r]/g, ' '));

const anyExample = fc.record({ text: anyField, label: fc.nat({ max: 3 }) });

/** A file in any of the ways in which it may be written. */
const anyLayout = fc.record({
  lineBreak: fc.constantFrom('\n', '\r\n'),
  mark: fc.constantFrom('', BOM),
  end: fc.boolean(),
  columns: fc.constantFrom(
    ['sentence', 'label'],
    ['label', 'sentence'],
    ['index', 'sentence', 'label', 'source'],
  ),
  other: anyField,
});

describe('parseExamples', () => {
  it('reads back what was written: every character, in any order of columns', () => {
    fc.assert(
      fc.property(fc.array(anyExample, { minLength: 1 }), anyLayout, (examples, layout) => {
        const { lineBreak, mark, end, columns, other } = layout;
        const lines = examples.map(({ text, label }) => {
          const fields: Record<string, string> = { sentence: text, label: `${label}` };
          return columns.map((column) => fields[column] ?? other).join('\t');
        });
        const file = mark + [columns.join('\t'), ...lines].join(lineBreak) + (end ? lineBreak : '');
        expect(parseExamples(file, 'f', 4)).toEqual(examples);
        expect(parseSentences(file, 'f')).toEqual(examples.map(({ text }) => text));
      }),
      runs(500),
    );
  });

  it('takes quotation marks as characters', () => {
    const examples = parseExamples('sentence\tlabel\n"a ""b" c\t1\n"\t0\n', 'f', 2);
    expect(examples.map(({ text }) => text)).toEqual(['"a ""b" c', '"']);
  });

  it('passes over empty lines', () => {
    const examples = parseExamples('sentence\tlabel\r\n\r\na\t1\r\n\r\n', 'f', 2);
    expect(examples).toEqual([{ text: 'a', label: 1 }]);
  });

  it.each(['', '2', '-1', '1.0', '1e0', ' 1', '1 ', 'positive', '٣', 'NaN', '99999999999999999999'])(
    'refuses the label "%s" by file and line',
    (label) => {
      const text = `sentence\tlabel\na\t1\n\nb\t${label}\n`;
      expect(callerErrorOf(() => parseExamples(text, 'folder/dev.tsv', 2)).message).toBe(
        `folder/dev.tsv:4: label "${label}" is no class; expected a whole number from 0 to 1`,
      );
    },
  );

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
          const { message } = callerErrorOf(() => parseExamples(text, 'f', 2));
          expect(message).toBe(
            `f:${above.length + 2}: ${wrong.split('\t').length} fields; expected 2 (sentence, label), separated by tabs`,
          );
        },
      ),
      runs(200),
    );
  });
});

describe('a column that is missing', () => {
  it('is named, with those that are there', () => {
    const text = 'index\tsentence\n0\ta\n';
    expect(callerErrorOf(() => parseExamples(text, 'f', 2)).message).toBe(
      'f:1: no column "label"; expected it among: index, sentence',
    );
    expect(parseSentences(text, 'f'), 'no labels are needed here').toEqual(['a']);
    expect(callerErrorOf(() => parseSentences('Sentence\tlabel\na\t1\n', 'f')).message).toBe(
      'f:1: no column "sentence"; expected it among: Sentence, label',
    );
  });
});

describe('a file without rows', () => {
  it.each([
    ['nothing', ''],
    ['a header line', 'sentence\tlabel'],
    ['empty lines', 'sentence\tlabel\n\r\n\n'],
  ])('is refused: %s', (_, text) => {
    expect(callerErrorOf(() => parseExamples(text, 'f', 2)).message).toMatch(/^f: no rows; expected/);
    expect(callerErrorOf(() => parseSentences(text, 'f')).message).toMatch(/^f: no rows; expected/);
  });
});
