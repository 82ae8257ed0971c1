import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConllu } from '../../src/data/conllu.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';

function line(id: string, form: string, tag: string): string {
  return [id, form, '_', tag, ...Array(6).fill('_')].join('\t');
}

/** The words of the only sentence of a file, as `form/tag`. */
function tagged(text: string): string[] {
  const [sentence] = parseConllu(text, 'f');
  return sentence.words.map(({ start, end, tag }) => `${sentence.text.slice(start, end)}/${tag}`);
}

const DONT = [
  '# text = I don’t know.',
  line('1', 'I', 'PRON'),
  line('2-3', 'don’t', '_'),
  line('2', 'do', 'AUX'),
  line('3', 'n’t', 'PART'),
  line('3.1', 'really', 'ADV'),
  line('4', 'know', 'VERB'),
  line('5', '.', 'PUNCT'),
];

describe('parseConllu', () => {
  it('reads separators of lines and paragraphs as white space', () => {
    const word = (at: number, form: string) => [`${at}`, form, '_', 'X', ...Array(6).fill('_')].join('\t');
    const lines = ['# text = he left\u2028home\u2029', word(1, 'he'), word(2, 'left'), word(3, 'home')];
    const [sentence] = parseConllu(lines.join('\n'), 'f');
    expect(sentence.text).toBe('he left\u2028home\u2029');
    expect(sentence.words.map(({ start, end }) => [start, end])).toEqual([
      [0, 2],
      [3, 7],
      [8, 12],
    ]);
  });

  it('finds the position of each word in the text', () => {
    const anyForm = fc.string({ unit: fc.constantFrom('a', 'b', '.', '"', '😀', 'ש', 'é'), minLength: 1 });
    const anyWord = fc.record({
      form: anyForm,
      tag: fc.constantFrom('NOUN', 'VB$', 'my tag'),
      space: fc.constantFrom('', ' ', '  ', '\u00a0'),
    });
    const anySentence = fc.array(anyWord, { maxLength: 8 });
    const anyBreak = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(fc.array(anySentence, { maxLength: 4 }), anyBreak, (sentences, lineBreak) => {
        const lines = sentences.flatMap((words, index) => [
          `# sent_id = ${index}`,
          `# text = ${words.map(({ form, space }) => form + space).join('')}`,
          '# text_en = something else',
          `# label = class ${index % 2}`,
          ...words.map(({ form, tag }, at) => line(`${at + 1}`, form, tag)),
          '',
        ]);
        const parsed = parseConllu(lines.join(lineBreak), 'f');
        expect(parsed).toHaveLength(sentences.length);
        for (const [index, words] of sentences.entries()) {
          let start = 0;
          const expected = words.map(({ form, tag, space }) => {
            const word = { start, end: start + form.length, tag };
            start = word.end + space.length;
            return word;
          });
          const { text, label } = parsed[index];
          expect(text).toBe(words.map(({ form, space }) => form + space).join(''));
          expect(label).toBe(`class ${index % 2}`);
          expect(parsed[index].words.map(({ start, end, tag }) => ({ start, end, tag }))).toEqual(expected);
          for (const word of parsed[index].words) {
            expect(lines[word.line - 1].split('\t')[1]).toBe(text.slice(word.start, word.end));
          }
        }
      }),
      runs(300),
    );
  });

  it('gives the parts of a word their spans, and skips words that are not written', () => {
    expect(tagged(DONT.join('\n'))).toEqual(['I/PRON', 'do/AUX', 'n’t/PART', 'know/VERB', './PUNCT']);
  });

  it('gives a word that its parts do not spell the tag of the first', () => {
    const lines = [
      '# text = du vin',
      line('1-2', 'du', '_'),
      line('1', 'de', 'ADP'),
      line('2', 'le', 'DET'),
      line('3', 'vin', 'NOUN'),
    ];
    expect(tagged(lines.join('\n'))).toEqual(['du/ADP', 'vin/NOUN']);
  });

  it('has no label where the file has none, and may have no words', () => {
    expect(parseConllu('# text = \n', 'f')).toEqual([{ line: 1, text: '', label: undefined, words: [] }]);
    expect(parseConllu('\n\n', 'f')).toEqual([]);
  });

  it.each([
    ['no text', [line('1', 'a', 'X')], /^f:1: a sentence without its text; expected a line "# text = …"/],
    ['fields too few', ['# text = a', '1\ta\tX'], /^f:2: 3 fields; expected 10, separated by tabs/],
    ['no number', ['# text = a', line('one', 'a', 'X')], /^f:2: "one" as the number of a word/],
    [
      'a word too many',
      ['# text = a', line('1', 'a', 'X'), line('2', 'b', 'X')],
      /^f:3: "b" does not follow/,
    ],
    ['a word that was left out', ['# text = a b', line('1', 'b', 'X')], /^f:2: "b" .*expected .*"a b"/],
    ['a word missing', ['# text = a b', line('1', 'a', 'X')], /^f:1: no words for "b"/],
    ['a range of nothing', ['# text = ab', line('1-2', 'ab', '_')], /^f:2: word 1 of range 1-2 is missing/],
    [
      'a range without its last word',
      ['# text = ab', line('1-2', 'ab', '_'), line('1', 'a', 'X')],
      /^f:2: word 2 of range 1-2 is missing; expected words 1 to 2 below/,
    ],
    [
      'a range without a word inside',
      ['# text = abc', line('1-3', 'abc', '_'), line('1', 'a', 'X'), line('3', 'c', 'X')],
      /^f:4: word 2 of range 1-3 is missing/,
    ],
    ['a range that runs back', ['# text = ab', line('1-1', 'ab', '_')], /^f:2: range 1-1; expected/],
    [
      'a range inside another',
      ['# text = ab', line('1-2', 'ab', '_'), line('1-2', 'ab', '_')],
      /^f:3: range 1-2 inside another/,
    ],
    ['words that do not begin with 1', ['# text = a', line('2', 'a', 'X')], /^f:2: word 2 follows word 0/],
    [
      'a word twice',
      ['# text = a a', line('1', 'a', 'X'), line('1', 'a', 'X')],
      /^f:3: word 1 follows word 1; expected word 2/,
    ],
    [
      'an empty node at another place',
      ['# text = a', line('1', 'a', 'X'), line('3.1', 'b', 'X')],
      /^f:3: empty node 3\.1; expected 1\.1, or word 2/,
    ],
    ['a word without a form', ['# text = a', line('1', '', 'X')], /^f:2: word 1 has no form/],
    ['two texts', ['# text = a', '# text = b', line('1', 'a', 'X')], /^f:2: a second text/],
  ])('refuses %s by file and line', (_, lines, says) => {
    expect(callerErrorOf(() => parseConllu(lines.join('\n'), 'f')).message).toMatch(says);
  });
});
