import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import {
  areUniversal,
  parseTag,
  type TaggedWord,
  tokenTags,
  wordsWithTags,
} from '../../src/grammar/custom-tags.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { RuleSet, Tag } from '../../src/grammar/rules.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { encodeTokens, TaggedTokenizer } from '../../src/grammar/tagged-tokenizer.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { runs } from '../support/arbitraries.js';
import { callerErrorOf } from './caller-error.js';
import { anyText } from './texts.js';

const vocabulary = bertVocabulary();

function rulesOf(tags: readonly Tag[]): RuleSet {
  return { name: 'custom', tags, hard: [], soft: [], beta: 5 };
}

const PENN = rulesOf(['DT', 'NN', 'VBZ', '[CLS]', '.']);

function tokensOf(text: string, words: readonly TaggedWord[], maxLength?: number) {
  return new TaggedTokenizer({ vocabulary, maxLength, customTags: true }, PENN.tags).tokens(
    { text, words },
    'here',
  );
}

function tagged(text: string, tags: string): string {
  const words = wordsWithTags(text, tags.match(/\S+/g) ?? [], 'here');
  return tokensOf(text, words)
    .map((token) => `${token.text}/${token.tag}`)
    .join(' ');
}

describe('custom tags', () => {
  it('are the tags of all tokens of a word', () => {
    expect(tagged("the unaffable film's. ", 'DT NN .')).toBe(
      "[CLS]/[CLS] the/DT una/NN ##ffa/NN ##ble/NN film/. '/. s/. ./. [SEP]/[SEP]",
    );
    expect(tagged(' ', '')).toBe('[CLS]/[CLS] [SEP]/[SEP]');
  });

  it('are those of the words that cover the first characters of tokens, for any text', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 60 }), (text, maxLength) => {
        const spans = [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => [index, index + word.length]);
        const tagAt = (index: number) => PENN.tags[index % 3];
        const words = wordsWithTags(
          text,
          spans.map((_, index) => tagAt(index)),
          'here',
        );
        expect(words).toEqual(spans.map(([start, end], index) => ({ start, end, tag: tagAt(index) })));
        const tokens = tokensOf(text, words, maxLength);
        const plain = splitTokens(text, vocabulary).slice(0, maxLength - 2);
        expect(tokens.slice(1, -1)).toEqual(
          plain.map((token) => {
            const word = spans.findIndex(([start, end]) => start <= token.start && token.start < end);
            return { ...token, tag: tagAt(word), sentence: 0 };
          }),
        );
        const tags = tokenTags(PENN.tags, true);
        const encoded = encodeTokens(tokens, tags);
        expect(Array.from(encoded.tags, (tag) => tags[tag])).toEqual(tokens.map(({ tag }) => tag));
        expect([encoded.sentences[0], encoded.sentences.at(-1)]).toEqual([NO_SENTENCE, NO_SENTENCE]);
      }),
      runs(100),
    );
  });

  it('are refused where they are too few, unknown, or leave a part of the text out', () => {
    expect(callerErrorOf(() => tagged('the film', 'DT')).message).toMatch(
      /^here: 1 tags; expected 2, one for/,
    );
    expect(callerErrorOf(() => tagged('the film', 'DT NX')).message).toBe(
      'here: unknown tag "NX"; expected a tag of the rules: DT, NN, VBZ, [CLS], .',
    );
    const half = [{ start: 0, end: 3, tag: 'DT' }];
    expect(callerErrorOf(() => tokensOf('the film', half)).message).toMatch(
      /^here: no word with a tag covers "film", at character 5 of the text/,
    );
  });

  it('may be integers, as such or in digits', () => {
    const tags = [7, -1, '3'];
    expect([7, '7', -1, '-1', '3', 3].map((tag) => callOr(() => parseTag(tag, tags, 'here')))).toEqual([
      7,
      7,
      -1,
      -1,
      '3',
      undefined,
    ]);
  });
});

function callOr(action: () => Tag): Tag | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

describe('the tags of tokens', () => {
  it('are those of the rules and of special tokens where words have tags that are not universal', () => {
    expect(tokenTags(PENN.tags, true)).toEqual([...PENN.tags, '[SEP]']);
    expect(tokenTags(rulesOf([1, 2]).tags, true)).toEqual([1, 2, '[CLS]', '[SEP]']);
    expect(areUniversal(PENN.tags)).toBe(false);
  });

  it('are the universal ones elsewhere', () => {
    expect(tokenTags(PAPER_RULES.tags, true)).toEqual(TOKEN_TAGS);
    expect(tokenTags(PAPER_RULES.tags, false)).toEqual(TOKEN_TAGS);
    const few = rulesOf(['VERB', 'NOUN', '[CLS]']);
    expect(areUniversal(few.tags)).toBe(true);
    expect(tokenTags(few.tags, true)).toEqual(tokenTags(few.tags, false));
    expect(new Set(tokenTags(few.tags, true))).toEqual(new Set(TOKEN_TAGS));
    expect(tokenTags(PENN.tags, false)).toEqual(expect.arrayContaining([...PENN.tags, ...TOKEN_TAGS]));
  });
});
