import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import type { TaggedToken } from '../../src/grammar/tagged-tokenizer.js';
import { tagWords } from '../../src/grammar/tagger.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { runs } from '../support/arbitraries.js';
import { encodedText, taggedTokens } from '../support/tagged-text.js';
import { devSentences, SST2_IS_MISSING } from './dev-sentences.js';
import { anyText } from './texts.js';

const vocabulary = bertVocabulary();

function tagged(text: string, maxLength?: number): string {
  return taggedTokens(text, vocabulary, maxLength)
    .map((token) => `${token.text}/${token.tag}`)
    .join(' ');
}

/** The text that the tagger must get. */
function taggerText(text: string): string {
  const spaces = (token: string) => ' '.repeat(token.length);
  return text
    .replace(/\[(?:CLS|SEP|PAD)\]/g, (token) => spaces(token).replace('  ', '\n\n'))
    .replace(/\[(?:MASK|UNK)\]/g, spaces);
}

/** The tag that each token must have, looked up word by word. */
function expectedTags(text: string, tokens: TaggedToken[]): string[] {
  const words = tagWords(taggerText(text));
  return tokens.map(({ start, text: token, isSpecial }) => {
    if (isSpecial && ['[CLS]', '[SEP]', '[PAD]'].includes(token)) return token;
    return words.find((word) => word.start <= start && start < word.end)?.tag ?? 'X';
  });
}

describe('taggedTokens', () => {
  it('gives the tokens of one word its tag', () => {
    expect(tagged("the unflinchingly bleak film 's")).toBe(
      "[CLS]/[CLS] the/DET un/ADV ##fl/ADV ##in/ADV ##ching/ADV ##ly/ADV bleak/ADJ film/NOUN '/PART s/PART [SEP]/[SEP]",
    );
    expect(tagged("it 's")).toBe("[CLS]/[CLS] it/PRON '/AUX s/AUX [SEP]/[SEP]");
  });

  it('gives only [CLS] and [SEP] for a text without tokens', () => {
    for (const text of ['', '  ', '\u0000']) expect(tagged(text)).toBe('[CLS]/[CLS] [SEP]/[SEP]');
  });

  it('gives the special tokens empty spans', () => {
    const [first, ...rest] = taggedTokens('go on', vocabulary);
    const sentence = NO_SENTENCE;
    expect(first).toEqual({ id: 101, text: '[CLS]', start: 0, end: 0, tag: '[CLS]', sentence });
    expect(rest.at(-1)).toEqual({ id: 102, text: '[SEP]', start: 5, end: 5, tag: '[SEP]', sentence });
  });

  it('numbers the sentences of a text, and marks tokens of no sentence', () => {
    const tokens = taggedTokens('He fell asleep. I did not! Why?', vocabulary);
    const sentences = new Map<number, string[]>();
    for (const { sentence, text } of tokens)
      sentences.set(sentence, [...(sentences.get(sentence) ?? []), text]);
    expect([...sentences]).toEqual([
      [NO_SENTENCE, ['[CLS]', '[SEP]']],
      [0, ['he', 'fell', 'asleep', '.']],
      [1, ['i', 'did', 'not', '!']],
      [2, ['why', '?']],
    ]);
  });

  it('hides special tokens from the tagger, and gives them their own tags, or X', () => {
    expect(tagged("it [MASK] 's [SEP] The dull film")).toBe(
      "[CLS]/[CLS] it/PRON [MASK]/X '/AUX s/AUX [SEP]/[SEP] the/DET dull/ADJ film/NOUN [SEP]/[SEP]",
    );
    const sentences = taggedTokens('so [MASK] good [SEP] so [PAD] good [CLS]', vocabulary).map(
      ({ sentence }) => sentence,
    );
    const none = NO_SENTENCE;
    expect(sentences).toEqual([none, 0, 0, 0, none, 1, none, 2, none, none]);
  });

  it('has the same tags wherever a longer text is cut', () => {
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
      fc.property(text, fc.integer({ min: 3, max: 30 }), (parts, maxLength) => {
        const whole = taggedTokens(parts.join(' '), vocabulary);
        const cut = taggedTokens(parts.join(' '), vocabulary, maxLength);
        expect(cut.slice(0, -1)).toEqual(whole.slice(0, cut.length - 1));
      }),
      runs(60),
    );
  });

  it('cuts at a length that includes the special tokens', () => {
    expect(tagged('a b c d', 5)).toMatch(/^\[CLS\]\S* a\S* b\S* c\S* \[SEP\]\S*$/);
    expect(tagged('a b c d', 2)).toBe('[CLS]/[CLS] [SEP]/[SEP]');
    expect(tagged('a b c d', 6)).toBe(tagged('a b c d'));
    expect(taggedTokens('a b c d', vocabulary, 4).at(-1)).toMatchObject({ start: 3, end: 3 });
  });

  it.each([1, 0])('gives no token of the text for a length of %d, or refuses it', (maxLength) => {
    let tokens: TaggedToken[] = [];
    try {
      tokens = taggedTokens('a b c d', vocabulary, maxLength);
    } catch (error) {
      expect(error).toBeInstanceOf(CallerError);
    }
    expect(tokens.filter((token) => token.tag !== '[CLS]' && token.tag !== '[SEP]')).toEqual([]);
  });

  it('keeps its guarantees for any text and any length', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 60 }), (text, maxLength) => {
        const tokens = taggedTokens(text, vocabulary);
        const inner = tokens.slice(1, -1);
        expect(inner.map(({ tag, sentence, ...token }) => token)).toEqual(splitTokens(text, vocabulary));
        expect(inner.map((token) => token.tag)).toEqual(expectedTags(text, inner));
        const isOfDocument = ({ tag }: TaggedToken) => String(tag).startsWith('[');
        const numbers = inner.filter((token) => !isOfDocument(token)).map(({ sentence }) => sentence);
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        expect(numbers).not.toContain(NO_SENTENCE);
        expect(tokens.filter(isOfDocument).every(({ sentence }) => sentence === NO_SENTENCE)).toBe(true);
        expect(tokens.every((token) => TOKEN_TAGS.some((tag) => tag === token.tag))).toBe(true);
        expect([tokens[0].tag, tokens[tokens.length - 1].tag]).toEqual(['[CLS]', '[SEP]']);

        const cut = taggedTokens(text, vocabulary, maxLength);
        expect(cut).toHaveLength(Math.min(tokens.length, maxLength));
        expect(cut.slice(0, -1)).toEqual(tokens.slice(0, cut.length - 1));
        expect(cut.at(-1)).toMatchObject({ id: 102, tag: '[SEP]' });
      }),
      runs(1000),
    );
  });

  it.skipIf(SST2_IS_MISSING)(
    'tags less than 1 % of the tokens of SST-2 with X (needs ../shared/sst2)',
    () => {
      const tokens = devSentences().flatMap((sentence) => taggedTokens(sentence, vocabulary));
      const unknown = tokens.filter((token) => token.tag === 'X');
      expect(tokens.length).toBeGreaterThan(20_000);
      expect(unknown.length / tokens.length).toBeLessThan(0.01);
    },
  );
});

describe('encodedText', () => {
  it('is taggedTokens in numbers', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.option(fc.integer({ min: 2, max: 20 }), { nil: undefined }),
        (text, maxLength) => {
          const tokens = taggedTokens(text, vocabulary, maxLength);
          const { ids, tags, sentences } = encodedText(text, vocabulary, maxLength);
          expect([...sentences]).toEqual(tokens.map((token) => token.sentence));
          expect([...ids]).toEqual(tokens.map((token) => token.id));
          expect([...tags].map((tag) => TOKEN_TAGS[tag])).toEqual(tokens.map((token) => token.tag));
        },
      ),
      runs(300),
    );
  });
});
