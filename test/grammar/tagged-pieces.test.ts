import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { encodeSentence, type TaggedPiece, tagPieces } from '../../src/grammar/tagged-pieces.js';
import { tagWords } from '../../src/grammar/tagger.js';
import { PIECE_TAGS } from '../../src/grammar/tags.js';
import { splitPieces } from '../../src/grammar/word-pieces.js';
import { runs } from '../support/arbitraries.js';
import { devSentences, SST2_IS_MISSING } from './dev-sentences.js';
import { anyText } from './texts.js';

const vocabulary = bertVocabulary();

function tagged(text: string, mostPieces?: number): string {
  return tagPieces(text, vocabulary, mostPieces)
    .map((piece) => `${piece.text}/${piece.tag}`)
    .join(' ');
}

/** The text as the tagger is to see it. */
function seen(text: string): string {
  const spaces = (token: string) => ' '.repeat(token.length);
  return text
    .replace(/\[(?:CLS|SEP|PAD)\]/g, (token) => spaces(token).replace('  ', '\n\n'))
    .replace(/\[(?:MASK|UNK)\]/g, spaces);
}

/** The tag that each piece must have, looked up word by word. */
function expectedTags(text: string, pieces: TaggedPiece[]): string[] {
  const words = tagWords(seen(text));
  return pieces.map(({ start, text: piece, isSpecial }) => {
    if (isSpecial && ['[CLS]', '[SEP]', '[PAD]'].includes(piece)) return piece;
    return words.find((word) => word.start <= start && start < word.end)?.tag ?? 'X';
  });
}

describe('tagPieces', () => {
  it('gives the pieces of one word its tag', () => {
    expect(tagged("the unflinchingly bleak film 's")).toBe(
      "[CLS]/[CLS] the/DET un/ADV ##fl/ADV ##in/ADV ##ching/ADV ##ly/ADV bleak/ADJ film/NOUN '/PART s/PART [SEP]/[SEP]",
    );
    expect(tagged("it 's")).toBe("[CLS]/[CLS] it/PRON '/AUX s/AUX [SEP]/[SEP]");
  });

  it('makes [CLS] and [SEP] of nothing', () => {
    for (const text of ['', '  ', '\u0000']) expect(tagged(text)).toBe('[CLS]/[CLS] [SEP]/[SEP]');
  });

  it('puts the special pieces where they take no room', () => {
    const [first, ...rest] = tagPieces('go on', vocabulary);
    const sentence = NO_SENTENCE;
    expect(first).toEqual({ id: 101, text: '[CLS]', start: 0, end: 0, tag: '[CLS]', sentence });
    expect(rest.at(-1)).toEqual({ id: 102, text: '[SEP]', start: 5, end: 5, tag: '[SEP]', sentence });
  });

  it('tells the sentences of a text apart, and which pieces are of none', () => {
    const pieces = tagPieces('He fell asleep. I did not! Why?', vocabulary);
    const sentences = new Map<number, string[]>();
    for (const { sentence, text } of pieces)
      sentences.set(sentence, [...(sentences.get(sentence) ?? []), text]);
    expect([...sentences]).toEqual([
      [NO_SENTENCE, ['[CLS]', '[SEP]']],
      [0, ['he', 'fell', 'asleep', '.']],
      [1, ['i', 'did', 'not', '!']],
      [2, ['why', '?']],
    ]);
  });

  it('shows the tagger the words beside special tokens, and gives these tags of their own, or X', () => {
    expect(tagged("it [MASK] 's [SEP] The dull film")).toBe(
      "[CLS]/[CLS] it/PRON [MASK]/X '/AUX s/AUX [SEP]/[SEP] the/DET dull/ADJ film/NOUN [SEP]/[SEP]",
    );
    const sentences = tagPieces('so [MASK] good [SEP] so [PAD] good [CLS]', vocabulary).map(
      ({ sentence }) => sentence,
    );
    const none = NO_SENTENCE;
    expect(sentences).toEqual([none, 0, 0, 0, none, 1, none, 2, none, none]);
  });

  it('changes no tag by the cut, wherever it is in a longer text', () => {
    const words = [
      'The',
      'old',
      "man 's",
      'reads',
      '.',
      '!',
      'U.S.',
      'p.36',
      '36',
      'is n’t',
      '[SEP]',
      '[MASK]',
    ];
    const text = fc.array(fc.constantFrom(...words, 'x'.repeat(300), 'a-b.'.repeat(90), '\n\n', '"'), {
      minLength: 30,
      maxLength: 60,
    });
    fc.assert(
      fc.property(text, fc.integer({ min: 3, max: 30 }), (parts, mostPieces) => {
        const whole = tagPieces(parts.join(' '), vocabulary);
        const cut = tagPieces(parts.join(' '), vocabulary, mostPieces);
        expect(cut.slice(0, -1)).toEqual(whole.slice(0, cut.length - 1));
      }),
      runs(60),
    );
  });

  it('cuts at the length it is given, the special pieces included', () => {
    expect(tagged('a b c d', 5)).toMatch(/^\[CLS\]\S* a\S* b\S* c\S* \[SEP\]\S*$/);
    expect(tagged('a b c d', 2)).toBe('[CLS]/[CLS] [SEP]/[SEP]');
    expect(tagged('a b c d', 6)).toBe(tagged('a b c d'));
    expect(tagPieces('a b c d', vocabulary, 4).at(-1)).toMatchObject({ start: 3, end: 3 });
  });

  it.each([1, 0])('never takes a length of %d for one counted from the end', (mostPieces) => {
    let pieces: TaggedPiece[] = [];
    try {
      pieces = tagPieces('a b c d', vocabulary, mostPieces);
    } catch (error) {
      expect(error).toBeInstanceOf(CallerError);
    }
    expect(pieces.filter((piece) => piece.tag !== '[CLS]' && piece.tag !== '[SEP]')).toEqual([]);
  });

  it('keeps its promises for any text and any length', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 60 }), (text, mostPieces) => {
        const pieces = tagPieces(text, vocabulary);
        const inner = pieces.slice(1, -1);
        expect(inner.map(({ tag, sentence, ...piece }) => piece)).toEqual(splitPieces(text, vocabulary));
        expect(inner.map((piece) => piece.tag)).toEqual(expectedTags(text, inner));
        const isDocuments = ({ tag }: TaggedPiece) => tag.startsWith('[');
        const numbers = inner.filter((piece) => !isDocuments(piece)).map(({ sentence }) => sentence);
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        expect(numbers).not.toContain(NO_SENTENCE);
        expect(pieces.filter(isDocuments).every(({ sentence }) => sentence === NO_SENTENCE)).toBe(true);
        expect(pieces.every((piece) => PIECE_TAGS.includes(piece.tag))).toBe(true);
        expect([pieces[0].tag, pieces[pieces.length - 1].tag]).toEqual(['[CLS]', '[SEP]']);

        const cut = tagPieces(text, vocabulary, mostPieces);
        expect(cut).toHaveLength(Math.min(pieces.length, mostPieces));
        expect(cut.slice(0, -1)).toEqual(pieces.slice(0, cut.length - 1));
        expect(cut.at(-1)).toMatchObject({ id: 102, tag: '[SEP]' });
      }),
      runs(1000),
    );
  });

  it.skipIf(SST2_IS_MISSING)(
    'tags less than 1 % of the pieces of SST-2 with X (needs ../shared/sst2)',
    () => {
      const pieces = devSentences().flatMap((sentence) => tagPieces(sentence, vocabulary));
      const unknown = pieces.filter((piece) => piece.tag === 'X');
      expect(pieces.length).toBeGreaterThan(20_000);
      expect(unknown.length / pieces.length).toBeLessThan(0.01);
    },
  );
});

describe('encodeSentence', () => {
  it('is tagPieces in numbers', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.option(fc.integer({ min: 2, max: 20 }), { nil: undefined }),
        (text, mostPieces) => {
          const pieces = tagPieces(text, vocabulary, mostPieces);
          const { ids, tags, sentences } = encodeSentence(text, vocabulary, mostPieces);
          expect([...sentences]).toEqual(pieces.map((piece) => piece.sentence));
          expect([...ids]).toEqual(pieces.map((piece) => piece.id));
          expect([...tags].map((tag) => PIECE_TAGS[tag])).toEqual(pieces.map((piece) => piece.tag));
        },
      ),
      runs(300),
    );
  });
});
