import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { areUniversal, knownTag, pieceTags, wordsWithTags } from '../../src/grammar/own-tags.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { RuleSet, Tag } from '../../src/grammar/rules.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { encodePieces, ownTaggedPieces } from '../../src/grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../../src/grammar/tags.js';
import { splitPieces } from '../../src/grammar/word-pieces.js';
import { runs } from '../support/arbitraries.js';
import { callerErrorOf } from './caller-error.js';
import { anyText } from './texts.js';

const vocabulary = bertVocabulary();

function rulesOf(tags: readonly Tag[]): RuleSet {
  return { name: 'own', tags, hard: [], soft: [], beta: 5 };
}

const PENN = rulesOf(['DT', 'NN', 'VBZ', '[CLS]', '.']);

function tagged(text: string, tags: string): string {
  const words = wordsWithTags(text, tags.match(/\S+/g) ?? [], 'here');
  return ownTaggedPieces(text, words, PENN, vocabulary, 100, 'here')
    .map((piece) => `${piece.text}/${piece.tag}`)
    .join(' ');
}

describe('own tags', () => {
  it('are those of all pieces of a word', () => {
    expect(tagged("the unaffable film's. ", 'DT NN .')).toBe(
      "[CLS]/[CLS] the/DT una/NN ##ffa/NN ##ble/NN film/. '/. s/. ./. [SEP]/[SEP]",
    );
    expect(tagged(' ', '')).toBe('[CLS]/[CLS] [SEP]/[SEP]');
  });

  it('are, for any text, those of the words that cover the first characters of pieces', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 60 }), (text, mostPieces) => {
        const spans = [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => [index, index + word.length]);
        const tagAt = (index: number) => PENN.tags[index % 3];
        const words = wordsWithTags(
          text,
          spans.map((_, index) => tagAt(index)),
          'here',
        );
        expect(words).toEqual(spans.map(([start, end], index) => ({ start, end, tag: tagAt(index) })));
        const pieces = ownTaggedPieces(text, words, PENN, vocabulary, mostPieces, 'here');
        const plain = splitPieces(text, vocabulary).slice(0, mostPieces - 2);
        expect(pieces.slice(1, -1)).toEqual(
          plain.map((piece) => {
            const word = spans.findIndex(([start, end]) => start <= piece.start && piece.start < end);
            return { ...piece, tag: tagAt(word), sentence: 0 };
          }),
        );
        const tags = pieceTags(PENN, true);
        const encoded = encodePieces(pieces, tags);
        expect(Array.from(encoded.tags, (tag) => tags[tag])).toEqual(pieces.map(({ tag }) => tag));
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
    expect(
      callerErrorOf(() => ownTaggedPieces('the film', half, PENN, vocabulary, 9, 'here')).message,
    ).toMatch(/^here: no word with a tag covers "film", at character 5 of the text/);
  });

  it('may be integers, as such or in digits', () => {
    const tags = [7, -1, '3'];
    expect([7, '7', -1, '-1', '3', 3].map((tag) => callOr(() => knownTag(tag, tags, 'here')))).toEqual([
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

describe('the tags that pieces carry', () => {
  it("are the rules' own and those of special pieces where words bring tags that are not universal", () => {
    expect(pieceTags(PENN, true)).toEqual([...PENN.tags, '[SEP]']);
    expect(pieceTags(rulesOf([1, 2]), true)).toEqual([1, 2, '[CLS]', '[SEP]']);
    expect(areUniversal(PENN)).toBe(false);
  });

  it('are the universal ones elsewhere, whoever tags', () => {
    expect(pieceTags(PAPER_RULES, true)).toEqual(PIECE_TAGS);
    expect(pieceTags(PAPER_RULES, false)).toEqual(PIECE_TAGS);
    const few = rulesOf(['VERB', 'NOUN', '[CLS]']);
    expect(areUniversal(few)).toBe(true);
    expect(pieceTags(few, true)).toEqual(pieceTags(few, false));
    expect(new Set(pieceTags(few, true))).toEqual(new Set(PIECE_TAGS));
    expect(pieceTags(PENN, false)).toEqual(expect.arrayContaining([...PENN.tags, ...PIECE_TAGS]));
  });
});
