import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagWords } from '../../src/grammar/tagger.js';
import { plainText } from '../../src/grammar/tagger-text.js';
import { runs } from '../support/arbitraries.js';
import { anyText } from './texts.js';

/** Words of a text with their tags: "it/PRON ’s/AUX". */
function tagged(text: string): string {
  return tagWords(text)
    .map(({ start, end, tag }) => `${text.slice(start, end)}/${tag}`)
    .join(' ');
}

describe('a text is tagged like its plain form', () => {
  it.each(['’', '‘', 'ʼ', '＇', '′', '‛', '`', '´'])('with the apostrophe %s', (apostrophe) => {
    for (const text of ["it 's good", "it's good", "I do n't know", "we 'd 've gone", "don't , I 'm here"]) {
      const other = text.replaceAll("'", apostrophe);
      expect(tagged(other)).toBe(tagged(text).replaceAll("'", apostrophe));
    }
    expect(tagged(`it ${apostrophe}s good`)).toBe(`it/PRON ${apostrophe}s/AUX good/ADJ`);
  });

  it.each(['\u00a0', '\u2009', '  ', '\t', '\n', ' \u202f ', '\u3000'])(
    'with the white space %j',
    (space) => {
      for (const text of ["it 's good .", 'the film is dull', "i do n't"]) {
        expect(tagged(text.replaceAll(' ', space))).toBe(tagged(text));
        expect(tagged(space + text + space)).toBe(tagged(text));
      }
    },
  );

  it('with characters that BERT drops', () => {
    expect(tagged('the fi\u00adlm \u200bis \ufeffdull')).toBe('the/DET fi\u00adlm/NOUN is/AUX dull/ADJ');
  });

  it('keeps a quotation mark, and an accent outside of contractions', () => {
    expect(plainText('“so” `so` caf´e').text).toBe('“so” `so` caf´e');
  });

  it('starts a sentence after a blank line, and at no other white space', () => {
    const numbers = (text: string) => tagWords(text).map(({ sentence }) => sentence);
    expect(numbers('A title\n \nThe film')).toEqual([0, 0, 1, 1]);
    expect(numbers('A title \r\n The film')).toEqual([0, 0, 0, 0]);
  });

  it('says where each character came from, for any text', () => {
    fc.assert(
      fc.property(anyText, (original) => {
        const { text, origins } = plainText(original);
        const positions = [...origins];
        expect(positions).toHaveLength(text.length + 1);
        expect(positions.at(-1)).toBe(original.length);
        expect(positions.every((position, index) => index === 0 || position > positions[index - 1])).toBe(
          true,
        );
        expect(text).not.toMatch(/^\s|\s\s|\s$|[^\S ]/);
      }),
      runs(500),
    );
  });
});
