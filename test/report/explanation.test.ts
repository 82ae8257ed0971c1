import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedPairs } from '../../bench/allowed-pairs.js';
import { referenceTokenBias } from '../../bench/reference-pairs.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { presetRules } from '../../src/grammar/presets.js';
import { type RuleSet, STRATEGIES, type Strategy } from '../../src/grammar/rules.js';
import { TaggedTokenizer } from '../../src/grammar/tagged-tokenizer.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { ABSENT, HARD, PLAIN, SOFT } from '../../src/report/explain/explained-pairs.js';
import { type Explanation, explainText, workOf } from '../../src/report/explain/explanation.js';
import { runs } from '../support/arbitraries.js';
import { generator } from '../support/random.js';
import { randomRules } from '../support/random-rules.js';

const vocabulary = bertVocabulary();
const tokenizer = new TaggedTokenizer({ vocabulary });
const SENTENCE = 'the unaffordable film follows the dull hero .';
const SEVERAL = `${SENTENCE} it 's funny ! nobody saw it twice , and they left .`;

function explained(text: string, rules: RuleSet, strategy: Strategy): Explanation {
  return explainText(text, { tokenizer, mask: AttentionMask.fromRules(rules, strategy) });
}

/** The kind of each pair, computed from the rules alone. */
function referenceKind(explanation: Explanation, rules: RuleSet, strategy: Strategy) {
  const tags = explanation.tokens.map(({ tag }) => tag);
  const sentences = explanation.tokens.map(({ sentence }) => sentence);
  const learned = () => 0;
  const options = { sentences, learned };
  const exists = referenceTokenBias(rules, strategy, tags, options);
  const isHard = referenceTokenBias(rules, 'hard', tags, options);
  const isEither = referenceTokenBias(rules, 'guided', tags, options);
  return (query: number, key: number) => {
    if (exists(query, key) === undefined) return ABSENT;
    if (strategy === 'none' || strategy === 'learned') return PLAIN;
    if (isHard(query, key) !== undefined) return HARD;
    return isEither(query, key) === undefined ? PLAIN : SOFT;
  };
}

describe('a text explained', () => {
  it('has its tokens, their positions, and the words that they belong to', () => {
    const { tokens, words, cut } = explained(SENTENCE, presetRules('paper'), 'hard');
    expect(words.map(({ text, tag }) => `${text} ${tag}`)).toEqual([
      '[CLS] [CLS]',
      'the DET',
      'unaffordable ADJ',
      'film NOUN',
      'follows VERB',
      'the DET',
      'dull ADJ',
      'hero NOUN',
      '. PUNCT',
      '[SEP] [SEP]',
    ]);
    expect(words[2].tokens).toEqual([2, 6]);
    expect(tokens.slice(2, 6).map(({ text, word }) => [text, word])).toEqual([
      ['una', 2],
      ['##ff', 2],
      ['##ord', 2],
      ['##able', 2],
    ]);
    expect(tokens.map(({ start, end }) => SENTENCE.slice(start, end)).join('')).toBe(
      SENTENCE.replaceAll(' ', ''),
    );
    expect(cut).toBe(0);
  });

  it.each(STRATEGIES)('has the pairs that the rules allow, and why: %s', (strategy) => {
    for (const rules of ['paper', 'paper@sentence', 'paper@3', 'sepllm'].map(presetRules)) {
      const explanation = explained(SEVERAL, rules, strategy);
      const kindOf = referenceKind(explanation, rules, strategy);
      const count = explanation.tokens.length;
      const expected = Uint8Array.from({ length: count ** 2 }, (_, pair) =>
        kindOf(Math.floor(pair / count), pair % count),
      );
      expect(explanation.views).toHaveLength(1);
      expect(explanation.views[0].kinds, rules.name).toEqual(expected);
    }
  });

  it('has the pairs, tiles and pair counts of any rules', () => {
    const property = fc.property(
      fc.integer({ min: 0, max: 1e6 }),
      fc.constantFrom(...STRATEGIES),
      (seed, strategy) => {
        const rules = randomRules(
          generator(seed),
          TOKEN_TAGS,
          { density: 0.4, soft: 0.4, scopes: ['document', 'sentence', 'window'], betas: [2] },
          'random',
        );
        const explanation = explained(SEVERAL, rules, strategy);
        const { tokens, order, views, pairCounts, tileConfig } = explanation;
        const count = tokens.length;
        const kindOf = referenceKind(explanation, rules, strategy);
        const [{ kinds, tiles }] = views;
        kinds.forEach((kind, pair) => {
          expect(kind).toBe(kindOf(Math.floor(pair / count), pair % count));
        });
        const text = {
          tags: tokens.map(({ tag }) => tag),
          lengths: [count],
          sentences: tokens.map(({ sentence }) => sentence),
        };
        expect(pairCounts.useful).toBe(allowedPairs(text, rules, strategy));
        expect(pairCounts.dense).toBe(count ** 2);
        expect(tiles.reduce((sum, { useful }) => sum + useful, 0)).toBe(pairCounts.useful);
        expect(tiles.reduce((sum, { executed }) => sum + executed, 0)).toBe(pairCounts.executed);
        expect([...order].sort((a, b) => a - b)).toEqual(tokens.map((_, at) => at));
        // Every row is in one tile, and all columns that it sees are in the tile.
        const rows = tiles.flatMap(({ rowStart, rowCount }) =>
          Array.from({ length: rowCount }, (_, at) => rowStart + at),
        );
        expect(rows).toEqual(tokens.map((_, at) => at));
        for (const { rowStart, rowCount, ranges, useful, executed } of tiles) {
          expect(rowCount).toBeLessThanOrEqual(tileConfig.rows);
          expect(executed).toBeGreaterThanOrEqual(useful);
          for (let row = rowStart; row < rowStart + rowCount; row++) {
            for (let column = 0; column < count; column++) {
              if (kinds[order[row] * count + order[column]] === ABSENT) continue;
              expect(ranges.some(({ start, length }) => start <= column && column < start + length)).toBe(
                true,
              );
            }
          }
        }
      },
    );
    fc.assert(property, runs(25));
  });

  it('sorts tag runs, and does not sort a dense plan', () => {
    const sorted = explained(SENTENCE, presetRules('paper'), 'hard');
    for (const { tag, start, length } of sorted.runs) {
      const tokens = sorted.order.slice(start, start + length);
      expect([...tokens].map((token) => sorted.tokens[token].tag)).toEqual(new Array(length).fill(tag));
      expect([...tokens]).toEqual([...tokens].sort((a, b) => a - b));
    }
    expect(sorted.runs.reduce((sum, { length }) => sum + length, 0)).toBe(sorted.tokens.length);
    const dense = explained(SENTENCE, presetRules('paper'), 'none');
    expect([dense.isSorted, sorted.isSorted]).toEqual([false, true]);
    expect([...dense.order]).toEqual(dense.tokens.map((_, at) => at));
    expect(workOf(dense.pairCounts)).toMatchObject({ density: 1, idealSpeedup: 1 });
  });

  it('shows heads with different rules separately', () => {
    const { tags, hard, soft, beta } = presetRules('paper');
    const floor = presetRules('floor');
    const rules = {
      name: 'two',
      tags,
      beta,
      heads: [
        [{ hard, soft }, floor],
        [floor, floor],
      ],
    };
    const { views, pairCounts } = explainText(SENTENCE, { tokenizer, mask: AttentionMask.fromRules(rules) });
    expect(views.map(({ heads }) => heads)).toEqual([[0], [1, 2, 3]]);
    const [paper, least] = views.map((view) => view.pairCounts.useful);
    expect(paper).toBe(explained(SENTENCE, presetRules('paper'), 'hard').pairCounts.useful);
    expect(least).toBe(explained(SENTENCE, floor, 'hard').pairCounts.useful);
    expect(pairCounts.useful).toBe((paper + 3 * least) / 4);
  });

  it('cuts long texts, and refuses texts without a word', () => {
    const long = 'the dull film . '.repeat(1250);
    expect(explained(long, presetRules('paper'), 'hard')).toMatchObject({ cut: 5002 - 512 });
    expect(explained(long, presetRules('paper@4'), 'hard')).toMatchObject({ cut: 5002 - 256 });
    expect(
      explainText(long, {
        tokenizer: new TaggedTokenizer({ vocabulary, maxLength: 16 }),
        mask: AttentionMask.fromRules('paper', 'none'),
      }).tokens,
    ).toHaveLength(16);
    for (const nothing of ['', ' \n\t ', '\u200b\u200f']) {
      expect(() => explained(nothing, presetRules('paper'), 'hard')).toThrow(
        'no word in the text; expected a sentence',
      );
    }
  });

  it('takes words with custom tags', () => {
    const rules: RuleSet = { name: 'ab', tags: ['a', 'b'], hard: [['a', 'b']], soft: [], beta: 5 };
    const words = [
      { start: 0, end: 3, tag: 'a' },
      { start: 4, end: 8, tag: 'b' },
    ];
    const text = { text: 'the film', words };
    const explanation = explainText(text, {
      tokenizer: new TaggedTokenizer({ vocabulary, customTags: true }),
      mask: AttentionMask.fromRules(rules),
    });
    expect(explanation.words.map(({ tag }) => tag)).toEqual(['[CLS]', 'a', 'b', '[SEP]']);
    expect([...explanation.views[0].kinds].flatMap((kind, pair) => (kind === ABSENT ? [] : [pair]))).toEqual([
      1 * 4 + 2,
    ]);
  });
});
