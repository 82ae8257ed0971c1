import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allowedPairs } from '../../bench/allowed-pairs.js';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { CallerError } from '../../src/base/errors.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import type { HeadRules } from '../../src/grammar/head-rules.js';
import { PAPER_RULES, presetRules } from '../../src/grammar/presets.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { Planner } from '../../src/train/planner.js';
import { ruleDensity } from '../../src/train/rule-density.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { testDevice } from '../support/device.js';
import { encodedText } from '../support/tagged-text.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { logitsOf, SMALL_SHAPE, smallModel, TEXTS, withModel } from './models.js';

const device = await testDevice();

function headRules(...rules: RuleSet[]): HeadRules {
  const pairs = rules.map(({ hard, soft }) => ({ hard, soft }));
  return { name: 'four heads', tags: TOKEN_TAGS, beta: 2, heads: [pairs.slice(0, 2), pairs.slice(2)] };
}

/** Two layers of two heads, three of them different, some within a scope. */
const RULES = headRules(PAPER_RULES, presetRules('floor'), presetRules('paper@2'), PAPER_RULES);

/** Rules over whole documents, which need fewer kernels. */
const UNSCOPED = headRules(PAPER_RULES, presetRules('all-pairs'), PAPER_RULES, PAPER_RULES);

const ENCODED = TEXTS.map((text) => encodedText(text, bertVocabulary()));

function pairsUnder(rules: RuleSet, strategy: 'hard' | 'guided'): number {
  const packed = {
    tags: ENCODED.flatMap(({ tags }) => Array.from(tags, (tag) => TOKEN_TAGS[tag])),
    sentences: ENCODED.flatMap(({ sentences }) => [...sentences]),
    lengths: ENCODED.map(({ ids }) => ids.length),
  };
  return allowedPairs(packed, rules, strategy);
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CallerError) return error.message;
    throw error;
  }
  return 'nothing was refused';
}

describe('a plan for the heads of several layers', () => {
  it.each(['hard', 'guided'] as const)('has the mean of their pairs in its pairCounts: %s', (strategy) => {
    const { pairCounts, heads, order } = new Planner(
      AttentionMask.fromRules(RULES, strategy, { beta: 2 }),
      () => WIDE_TILE,
    ).layout(ENCODED);
    const expected = RULES.heads.flat().map((pairs) => pairsUnder({ ...PAPER_RULES, ...pairs }, strategy));
    expect(new Set(expected).size).toBe(3);
    expect(pairCounts.useful).toBeCloseTo(expected.reduce((sum, pairs) => sum + pairs, 0) / 4, 8);
    expect(heads.map((each) => each.heads)).toEqual([[0, 3], [1], [2]]);
    expect(order).toHaveLength(pairCounts.dense > 0 ? ENCODED.flatMap(({ ids }) => [...ids]).length : 0);
    const density = ruleDensity(RULES, strategy, ENCODED);
    expect(density.pairs).toBe(pairCounts.dense);
    expect(density.density).toBeCloseTo(pairCounts.useful / pairCounts.dense, 12);
    const parts = density.tags.reduce((sum, tag) => sum + tag.share * tag.density, 0);
    expect(parts).toBeCloseTo(density.density, 12);
    expect(density.tags.find(({ tag }) => tag === '[CLS]')!.density).toBe(1);
  });

  it('is one plan for all heads under learned biases', () => {
    const { heads } = new Planner(
      AttentionMask.fromRules(RULES, 'learned', { beta: 2 }),
      () => WIDE_TILE,
    ).layout(ENCODED);
    expect(heads).toHaveLength(1);
    expect(heads[0].heads).toBeUndefined();
  });
});

describe('a model with rules for each head', () => {
  const folder = temporaryFolder();

  it('is saved and loaded unchanged', async () => {
    const saved = join(folder, 'saved');
    const logits = await withModel(smallModel('guided', { rules: UNSCOPED }, device), async (model) => {
      await model.save(saved);
      return logitsOf(model);
    });
    await withModel(SentenceClassifier.load(device, saved), async (model) => {
      expect(model.description.mask.rules).toEqual(UNSCOPED);
      expect(await logitsOf(model)).toEqual(logits);
      model.useMask(model.description.mask.with({ strategy: 'guided', rules: PAPER_RULES }));
      expect(await logitsOf(model), 'other rules').not.toEqual(logits);
    });
  });

  it('is refused where it has other layers or heads', async () => {
    const wrong = { ...UNSCOPED, heads: [UNSCOPED.heads[0]] };
    const says = /rules "four heads": rules for 1 layers of 2 heads; expected 2 layers of 2/;
    await expect(smallModel('hard', { rules: wrong }, device)).rejects.toThrow(says);
    await withModel(smallModel('hard', {}, device), async (model) => {
      expect(
        refusal(() => model.useMask(model.description.mask.with({ strategy: 'hard', rules: wrong }))),
      ).toMatch(says);
    });
  });
});

describe('pruning a model', () => {
  it('makes rules for each head, of the density asked for, with which the model runs', async () => {
    await withModel(smallModel('learned', {}, device), async (model) => {
      const done: number[] = [];
      const { rules, densities } = await model.prune(TEXTS, 0.5, (count) => done.push(count));
      expect(done).toEqual([TEXTS.length]);
      expect(rules.heads.map((layer) => layer.length)).toEqual([2, 2]);
      expect(new Set(rules.heads.flat().map(({ hard }) => JSON.stringify(hard))).size).toBeGreaterThan(1);
      for (const density of densities.flat()) expect(Math.abs(density - 0.5)).toBeLessThan(0.03);
      model.useMask(model.description.mask.with({ strategy: 'hard', rules }));
      const mean = densities.flat().reduce((sum, density) => sum + density, 0) / 4;
      expect(model.density(TEXTS.map((text) => ({ text, label: 0 })))).toBeCloseTo(mean, 10);
      expect(await logitsOf(model)).toHaveLength(TEXTS.length);
    });
  });

  it('changes nothing where everything is kept', async () => {
    await withModel(smallModel('none', {}, device), async (model) => {
      const before = await logitsOf(model);
      const { rules, densities } = await model.prune(TEXTS, 1);
      expect(densities).toEqual([
        [1, 1],
        [1, 1],
      ]);
      model.useMask(model.description.mask.with({ strategy: 'hard', rules }));
      (await logitsOf(model)).flat().forEach((logit, at) => {
        expect(logit).toBeCloseTo(before.flat()[at], 4);
      });
    });
  });

  it('is refused for no share, for no texts, and where pairs are forbidden already', async () => {
    await withModel(smallModel('learned', {}, device), async (model) => {
      for (const density of [0, -1, 1.01, Number.NaN])
        await expect(model.prune(TEXTS, density)).rejects.toThrow(/^density .*expected a share above 0/);
      await expect(model.prune([], 0.5)).rejects.toThrow(/no texts/);
      model.useMask(model.description.mask.with({ strategy: 'hard' }));
      await expect(model.prune(TEXTS, 0.5)).rejects.toThrow(/strategy "hard", which forbids pairs already/);
    });
  });
});

describe('a sparsity penalty', () => {
  const examples = TEXTS.map((text, label) => ({ text, label: label % 2 }));

  it('changes learned biases, and is refused where none are learned', async () => {
    const tableAfter = async (sparsity: number) =>
      withModel(
        smallModel('learned', { shape: { ...SMALL_SHAPE, attentionDropout: 0 } }, device),
        async (model) => {
          await model.train(examples, examples, {
            epochs: 1,
            batchSize: 2,
            learningRate: 0.01,
            warmupSteps: 0,
            sparsity,
          });
          return (await model.weights()).get('bert.encoder.layer.0.attention.self.tag_bias')!;
        },
      );
    expect(await tableAfter(50)).not.toEqual(await tableAfter(0));
    const sparsity = 1;
    await withModel(smallModel('hard', {}, device), async (model) => {
      await expect(model.train(examples, examples, { sparsity })).rejects.toThrow(
        /a sparsity penalty of 1 with strategy "hard"; expected strategy "learned"/,
      );
      await expect(model.train(examples, examples, { sparsity: -1 })).rejects.toThrow(
        /sparsity is -1; expected a number/,
      );
    });
  });
});
