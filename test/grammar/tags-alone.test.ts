import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { tagWords } from '../../src/grammar/tagger.js';
import { runs } from '../support/arbitraries.js';
import { anyText } from './texts.js';

/** Texts from which wink-nlp learns words, and texts that it splits by the words that it has learned. */
const NASTY = [
  'see p.36',
  '36 is a number .',
  "the zorblax's film is dull",
  "it is zorblax's.",
  'the co.uk and a.b.c of x.y',
  'uk',
  'x.y. said so',
  'Zorblax met ZORBLAX and zorblax-like zorblax.',
  'mail a@b.org , see https://x.org/?q=1 #zorb @zorb $5 3rd 5pm :-) 😀',
  'zorb , b.org and x.org',
  'constructor __proto__ toString hasOwnProperty valueOf',
  "toString's constructor-based __proto__.x",
];

function tagged(tag: typeof tagWords, text: string): string {
  return tag(text)
    .map(({ start, end, tag: word, sentence }) => `${start}-${end}/${word}/${sentence}`)
    .join(' ');
}

describe('the tags of a text', () => {
  it('are those of a process that reads no other text', async () => {
    for (const text of NASTY) tagWords(text);
    for (const text of NASTY.slice(1, 6)) {
      vi.resetModules();
      const fresh = await import('../../src/grammar/tagger.js');
      expect(tagged(tagWords, text)).toBe(tagged(fresh.tagWords, text));
    }
  });

  it('do not depend on the texts before it, in any order', () => {
    const alone = new Map(NASTY.map((text) => [text, tagged(tagWords, text)]));
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...NASTY), anyText), { maxLength: 8 }), (texts) => {
        for (const text of texts) tagWords(text);
        for (const [text, expected] of alone) expect(tagged(tagWords, text)).toBe(expected);
      }),
      runs(60),
    );
  });

  it('stay the same after more unknown words than are remembered', () => {
    const before = NASTY.map((text) => tagged(tagWords, text));
    for (let text = 0; text < 70; text++) {
      tagWords(Array.from({ length: 1000 }, (_, word) => `zq${text}x${word}`).join(' '));
    }
    expect(NASTY.map((text) => tagged(tagWords, text))).toEqual(before);
  });

  it("do not come from properties of JavaScript's objects", () => {
    expect(tagged(tagWords, 'toString-x')).toBe(tagged(tagWords, 'toStrung-x'));
  });
});
