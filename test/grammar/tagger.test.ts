import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagWords } from '../../src/grammar/tagger.js';
import { UNIVERSAL_TAGS } from '../../src/grammar/tags.js';
import { runs } from '../support/arbitraries.js';
import { devSentences, SST2_IS_MISSING } from './dev-sentences.js';
import { anyText } from './texts.js';

/** Words of a text with their tags: "it/PRON 's/AUX". */
function tagged(text: string): string {
  return tagWords(text)
    .map(({ start, end, tag }) => `${text.slice(start, end)}/${tag}`)
    .join(' ');
}

/** The first guarantee of the tagger that does not hold, or undefined. */
function complaint(text: string): string | undefined {
  let last = 0;
  for (const { start, end, tag } of tagWords(text)) {
    if (!(start >= last)) return `a word at ${start} after one that ends at ${last}`;
    if (!(end > start)) return `an empty word at ${start}`;
    if (!(end <= text.length)) return `a word that ends at ${end}`;
    if (!UNIVERSAL_TAGS.some((known) => known === tag)) return `tag ${tag}`;
    last = end;
  }
  return undefined;
}

describe('tagWords', () => {
  it('tags the words of a sentence', () => {
    expect(tagged('The old man quickly reads a book in Paris .')).toBe(
      'The/DET old/ADJ man/NOUN quickly/ADV reads/VERB a/DET book/NOUN in/ADP Paris/PROPN ./PUNCT',
    );
  });

  it('takes the \'s of "it \'s" for a verb, and points into the original text', () => {
    const text = "it 's a charming film and they 're here .";
    expect(tagged(text)).toBe(
      "it/PRON 's/AUX a/DET charming/ADJ film/NOUN and/CCONJ they/PRON 're/AUX here/ADV ./PUNCT",
    );
    expect(tagWords(text)[1]).toEqual({ start: 3, end: 5, tag: 'AUX', sentence: 0 });
  });

  it('distinguishes that from the genitive', () => {
    expect(tagged("the film 's end")).toContain("film/NOUN 's/PART end/NOUN");
  });

  it.each(["it 's", "IT 'S", "that 's !", "it 's , it 's , it 's"])(
    'takes every ending in %j for a verb',
    (text) => {
      const endings = tagWords(text).filter(({ start }) => text[start] === "'");
      expect(endings).toHaveLength(text.split("'").length - 1);
      expect(endings.every(({ start, end, tag }) => end - start === 2 && tag === 'AUX')).toBe(true);
    },
  );

  it('finds "n\'t" where it was written apart', () => {
    expect(tagged("i do n't know")).toBe("i/PRON do/AUX n't/PART know/VERB");
  });

  it.each([
    ["but i 'm happy", "but/CCONJ i/PRON 'm/AUX happy/ADJ"],
    ["but here 's a film", "but/CCONJ here/ADV 's/AUX a/DET film/NOUN"],
  ])('separates two words that wink reads as one: %j', (text, expected) => {
    expect(tagged(text)).toBe(expected);
  });

  it('finds no words in an empty text', () => {
    expect(tagWords('')).toEqual([]);
    expect(tagWords('   ')).toEqual([]);
  });

  it('leaves out the empty word that wink finds in "A0..A"', () => {
    expect(complaint('A0..A')).toBeUndefined();
  });

  it('never throws, and its words ascend and do not overlap, for any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(complaint(text)).toBeUndefined();
      }),
      runs(2000),
    );
  });

  it('keeps these guarantees for any ASCII text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', size: 'max', maxLength: 60 }), (text) => {
        expect(complaint(text)).toBeUndefined();
      }),
      runs(5000),
    );
  });

  it.skipIf(SST2_IS_MISSING)('covers every letter of the sentences of SST-2 (needs ../shared/sst2)', () => {
    for (const sentence of devSentences()) {
      expect(complaint(sentence)).toBeUndefined();
      const covered = tagWords(sentence).map(({ start, end }) => sentence.slice(start, end));
      expect(covered.join('').replaceAll(' ', '')).toBe(sentence.replaceAll(' ', ''));
    }
  });
});
