import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpecialToken } from '../../src/grammar/special-tokens.js';
import { BERT_TOKENS, UNCASED, Vocabulary } from '../../src/grammar/vocabulary.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { runs } from '../support/arbitraries.js';
import { bertTokenizerJson } from './bert-tokenizer-json.js';

const token = (content: string, normalised = false, singleWord = false): SpecialToken => {
  return { content, normalised, singleWord };
};

const ADDED = [token('<e1>'), token('</e1>'), token('<e1>x'), token('<URL>', true), token('Éa', true)];
const ORDINARY = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  ...'abex1url<>/[]',
  ...'abex1url'.split('').map((c) => `##${c}`),
];
const VOCABULARY_TOKENS = [...ORDINARY, ...ADDED.map(({ content }) => content)];

const vocabulary = new Vocabulary(VOCABULARY_TOKENS, 'tokens', UNCASED, {
  special: [...BERT_TOKENS, ...ADDED],
  ordinary: ORDINARY.length,
});

const reference = new Tokenizer(
  bertTokenizerJson(
    ORDINARY,
    [...BERT_TOKENS, ...ADDED].map(({ content, normalised }) => {
      const flags = { lstrip: content === '<e1>', rstrip: content === '[MASK]', single_word: false };
      return {
        id: VOCABULARY_TOKENS.indexOf(content),
        content,
        ...flags,
        normalized: normalised,
        special: !normalised,
      };
    }),
  ),
  {},
);

const ours = (text: string, by = vocabulary) => splitTokens(text, by).map(({ text: token }) => token);

describe('special tokens in a text', () => {
  it('are found as @huggingface/tokenizers finds them, in any text', () => {
    const parts = [
      ...ADDED.map(({ content }) => content),
      '[SEP]',
      '[MASK]',
      '[sep]',
      '[',
      ' ',
      '\u00a0',
      'a',
      'É',
      'é',
      'b',
      'x',
      '<url>',
      '<UR',
      'L>',
      '中',
      '\u200b',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 15 }), (texts) => {
        const text = texts.join('');
        const theirs = reference.encode(text, { add_special_tokens: false }).ids;
        expect(splitTokens(text, vocabulary).map(({ id }) => id)).toEqual(theirs);
      }),
      runs(2000),
    );
  });

  it('are not found in text that looks like them only after normalisation', () => {
    // Hugging Face's JavaScript takes "<e1>" for the token where that is all; its Rust does not.
    expect(ours('<E1>')).toEqual(['<', 'e', '##1', '>']);
  });

  it('are the longest of those that start at one position, and only special', () => {
    expect(ours('<e1>x<e1> x')).toEqual(['<e1>x', '<e1>', 'x']);
    expect(ours('[SEP][sep]')).toEqual(['[SEP]', '[', '[UNK]', ']']);
  });

  it('have their positions in the text', () => {
    const [first, second] = splitTokens('é <url> [SEP]', vocabulary).slice(1);
    expect(first).toEqual({
      id: VOCABULARY_TOKENS.indexOf('<URL>'),
      text: '<URL>',
      start: 2,
      end: 7,
      isSpecial: true,
    });
    expect(second).toMatchObject({ text: '[SEP]', start: 8, end: 13, isSpecial: true });
  });

  it('with single_word are found only as whole words', () => {
    const single = new Vocabulary([...ORDINARY, 'ab'], 'tokens', UNCASED, {
      special: [...BERT_TOKENS, token('ab', false, true)],
      ordinary: ORDINARY.length,
    });
    expect(ours('ab (ab) abx xab ab1 ab', single)).toEqual([
      'ab',
      '[UNK]',
      'ab',
      '[UNK]',
      'a',
      '##b',
      '##x',
      'x',
      '##a',
      '##b',
      'a',
      '##b',
      '##1',
      'ab',
    ]);
  });

  it('stay in a vocabulary that is restricted to few words', () => {
    const few = vocabulary.restrictedTo(new Set(['a']));
    expect(few.tokens).toEqual([
      '[PAD]',
      '[UNK]',
      '[CLS]',
      '[SEP]',
      '[MASK]',
      'a',
      ...ADDED.map(({ content }) => content),
    ]);
    expect(ours('a <e1> b', few)).toEqual(['a', '<e1>', '[UNK]']);
  });
});
