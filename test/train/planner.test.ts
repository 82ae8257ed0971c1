import { describe, expect, it } from 'vitest';
import { allowedPairs } from '../../bench/allowed-pairs.js';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { tokenTags } from '../../src/grammar/custom-tags.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { type RuleSet, STRATEGIES, type Strategy } from '../../src/grammar/rules.js';
import type { TaggedTokens } from '../../src/grammar/tagged-tokenizer.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { biasTags, Planner } from '../../src/train/planner.js';
import { encodedText } from '../support/tagged-text.js';

const TEXTS = [
  'A dull film. I fell asleep twice, and nobody minded.',
  'Good!',
  '',
  'He left. She stayed. Why?',
];

const ENCODED = TEXTS.map((text) => encodedText(text, bertVocabulary()));

/** Rules over a few tags, in another order than the tokens', two of them within a scope. */
const CUSTOM: RuleSet = {
  name: 'custom',
  tags: ['VERB', 'custom tag', 'PRON', '[CLS]'],
  hard: [
    ['PRON', 'VERB', 'sentence'],
    ['VERB', 'PRON', 2],
    ['[CLS]', '[CLS]'],
  ],
  soft: [['PRON', 'PRON']],
  beta: 5,
};

function planner(rules: RuleSet, strategy: Strategy): Planner {
  return new Planner(AttentionMask.fromRules(rules, strategy), () => WIDE_TILE);
}

/** The pairs that exist in texts, counted one by one. */
function pairsOf(texts: readonly TaggedTokens[], rules: RuleSet, strategy: Strategy): number {
  const packed = {
    tags: texts.flatMap(({ tags }) => Array.from(tags, (tag) => TOKEN_TAGS[tag])),
    sentences: texts.flatMap(({ sentences }) => [...sentences]),
    lengths: texts.map(({ ids }) => ids.length),
  };
  return allowedPairs(packed, rules, strategy);
}

describe('a planner', () => {
  it.each(STRATEGIES)('plans the pairs of its rules, within their scopes: %s', (strategy) => {
    for (const rules of [PAPER_RULES, CUSTOM]) {
      const { pairCounts, lengths, kind } = planner(rules, strategy).layout(ENCODED);
      expect(pairCounts.useful).toBe(pairsOf(ENCODED, rules, strategy));
      expect([...lengths]).toEqual(ENCODED.map(({ ids }) => ids.length));
      expect(kind).toBe(strategy === 'none' ? 'dense' : 'sparse');
    }
  });

  it('plans the same pairs for any list of tags of its texts', () => {
    const tags = ['custom tag', ...[...TOKEN_TAGS].reverse()];
    const reindexed = ENCODED.map((text) => {
      return { ...text, tags: text.tags.map((tag) => tags.indexOf(TOKEN_TAGS[tag])) };
    });
    for (const rules of [PAPER_RULES, CUSTOM]) {
      const reordered = new Planner(AttentionMask.fromRules(rules, 'guided'), () => WIDE_TILE, tags);
      expect(reordered.layout(reindexed).pairCounts).toEqual(
        planner(rules, 'guided').layout(ENCODED).pairCounts,
      );
    }
  });

  it('plans no pairs between the texts of a batch', () => {
    const custom = planner(CUSTOM, 'guided');
    const alone = ENCODED.map((text) => custom.layout([text]).pairCounts.useful);
    expect(custom.layout(ENCODED).pairCounts.useful).toBe(alone.reduce((sum, pairs) => sum + pairs, 0));
    expect(Math.max(...alone)).toBeGreaterThan(1);
  });

  it('has tables for the tags for which the model learns biases', () => {
    for (const rules of [PAPER_RULES, CUSTOM]) {
      const [{ table }] = planner(rules, 'learned').layout(ENCODED).heads;
      expect(table).toMatchObject({ learned: true, size: biasTags('learned', tokenTags(rules.tags)) });
    }
    expect(biasTags('learned', tokenTags(PAPER_RULES.tags))).toBe(TOKEN_TAGS.length);
    expect(biasTags('learned', tokenTags(CUSTOM.tags))).toBe(TOKEN_TAGS.length + 1);
    for (const strategy of STRATEGIES) {
      if (strategy !== 'learned') expect(biasTags(strategy, tokenTags(CUSTOM.tags))).toBe(0);
    }
  });

  it('requests tiles by the kind of plan and the lengths of its texts', () => {
    const asked: unknown[] = [];
    for (const strategy of ['none', 'hard'] as const) {
      const planned = new Planner(AttentionMask.fromRules(PAPER_RULES, strategy), (kind, lengths) => {
        asked.push(kind, Array.from(lengths));
        return { ...WIDE_TILE, rows: 16 };
      });
      expect(planned.layout(ENCODED.slice(1, 3)).tileConfig.rows).toBe(16);
    }
    expect(asked).toEqual(['dense', [4, 2], 'sparse', [4, 2]]);
  });
});
