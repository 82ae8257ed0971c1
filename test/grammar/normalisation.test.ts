import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { type Normalisation, SPECIAL_TOKENS, Vocabulary } from '../../src/grammar/vocabulary.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { runs } from '../support/arbitraries.js';
import { bertTokenizerJson } from './bert-tokenizer-json.js';
import { anyText, INCOMPARABLE } from './texts.js';

/** BERT's tokens, and some that only a cased model has, or one that keeps accents. */
const VOCABULARY_TOKENS = [
  ...new Set([...bertVocabulary().tokens, 'The', 'Film', 'É', 'é', '##é', '##E', 'İ', '中国']),
];

const SETTINGS: Normalisation[] = [
  { lowerCase: false, stripAccents: false, splitIdeographs: true },
  { lowerCase: true, stripAccents: false, splitIdeographs: true },
  { lowerCase: false, stripAccents: true, splitIdeographs: true },
  { lowerCase: true, stripAccents: true, splitIdeographs: false },
];

describe.each(SETTINGS)('splitTokens agrees with @huggingface/tokenizers under %o', (normalisation) => {
  const vocabulary = new Vocabulary(VOCABULARY_TOKENS, 'tokens', normalisation);
  const { lowerCase, stripAccents, splitIdeographs } = normalisation;
  const reference = new Tokenizer(
    bertTokenizerJson(
      VOCABULARY_TOKENS,
      SPECIAL_TOKENS.map((content) => ({ id: VOCABULARY_TOKENS.indexOf(content), content, special: true })),
      { handle_chinese_chars: splitIdeographs, strip_accents: stripAccents, lowercase: lowerCase },
    ),
    {},
  );

  /** The two results for the first text that they split differently. */
  function firstDifference(texts: Iterable<string>): object | undefined {
    for (const text of texts) {
      const ours = splitTokens(text, vocabulary).map(({ id }) => id);
      const theirs = reference.encode(text, { add_special_tokens: false }).ids;
      if (ours.join() !== theirs.join()) return { text: JSON.stringify(text), ours, theirs };
    }
    return undefined;
  }

  it('on texts on which the settings differ', () => {
    expect(
      firstDifference(['The FILM', 'CAFÉ café', 'E\u0301', 'a中国b', 'İstanbul', '中国']),
    ).toBeUndefined();
  });

  it('on any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(firstDifference([text.replace(INCOMPARABLE, '')])).toBeUndefined();
      }),
      runs(1000),
    );
  });
});

describe('a cased vocabulary', () => {
  const cased = { lowerCase: false, stripAccents: false, splitIdeographs: true };

  it('keeps capitals and accents, also when it is restricted', () => {
    const vocabulary = new Vocabulary(VOCABULARY_TOKENS, 'tokens', cased).restrictedTo(
      new Set(['The', 'É', '##E']),
    );
    expect(splitTokens('The the É E', vocabulary).map(({ text }) => text)).toEqual([
      'The',
      '[UNK]',
      'É',
      '[UNK]',
    ]);
  });

  it('points at one character where lower case has two', () => {
    const lowered = new Vocabulary([...VOCABULARY_TOKENS, 'i\u0307x'], 'tokens', {
      ...cased,
      lowerCase: true,
    });
    expect(splitTokens('İX', lowered)).toMatchObject([{ text: 'i\u0307x', start: 0, end: 2 }]);
  });
});
