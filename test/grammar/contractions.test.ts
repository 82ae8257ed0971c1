import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinContractions } from '../../src/grammar/tagger-text.js';
import { runs } from '../support/arbitraries.js';
import { anyText } from './texts.js';

const ENDINGS = ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"];

function joined(text: string): string {
  return joinContractions(text).text;
}

describe('joinContractions', () => {
  it.each([
    ["it 's", "it's"],
    ["do n't", "don't"],
    ["they 're here", "they're here"],
    ["i 've and we 'll and he 'd and i 'm", "i've and we'll and he'd and i'm"],
    ["it 's what they 're n't , is n't it", "it's what they'ren't , isn't it"],
    ["IT 'S NOT , DO N'T", "IT'S NOT , DON'T"],
    ["the film 's end", "the film's end"],
    ["it 's\tso\nit 's\nso", "it's\tso\nit's\nso"],
    ["we 'd 've gone", "we'd've gone"],
  ])('%j becomes %j', (original, expected) => {
    expect(joined(original)).toBe(expected);
  });

  it.each([
    '',
    ' ',
    'nothing to join .',
    "it's",
    "'s",
    " 's what",
    "a 'sound' and a 'mad one",
    "rock 'n' roll",
    "a 's.",
  ])('leaves %j unchanged', (original) => {
    expect(joined(original)).toBe(original);
  });

  it('maps each character to its origin, and the end of the text', () => {
    const { text, origins } = joinContractions("it 's n't x");
    expect(text).toBe("it'sn't x");
    expect([...origins]).toEqual([0, 1, 3, 4, 6, 7, 8, 9, 10, 11]);
  });

  it('joins endings to the word before, and nothing else', () => {
    const word = fc.oneof(
      fc.constantFrom(...ENDINGS, ...ENDINGS.map((ending) => ending.toUpperCase())),
      fc.constantFrom('it', 'do', ',', "'", "'sx", "n't.", '"', 'é'),
    );
    fc.assert(
      fc.property(fc.array(word, { size: 'max', maxLength: 20 }), (words) => {
        const expected = words.map((each, index) => {
          return index === 0 || ENDINGS.includes(each.toLowerCase()) ? each : ` ${each}`;
        });
        expect(joined(words.join(' '))).toBe(expected.join(''));
      }),
      runs(1000),
    );
  });

  it('removes only spaces, and its origins lead back, for any text', () => {
    fc.assert(
      fc.property(anyText, (original) => {
        const { text, origins } = joinContractions(original);
        const positions = [...origins];
        expect(positions).toHaveLength(text.length + 1);
        expect(positions.at(-1)).toBe(original.length);
        expect(positions.every((position, index) => index === 0 || position > positions[index - 1])).toBe(
          true,
        );
        expect(positions.slice(0, -1).map((position) => original[position])).toEqual(text.split(''));
        const retained = new Set(positions);
        const removed = original.split('').filter((_, position) => !retained.has(position));
        expect(removed.every((character) => character === ' ')).toBe(true);
      }),
      runs(1000),
    );
  });
});
