import { describe, expect, it } from 'vitest';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { STRATEGIES, type Strategy } from '../../src/grammar/rules.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { CASES } from '../support/arbitraries.js';
import {
  modelFor,
  randomBatch,
  randomWeights,
  SMALL_DISTILBERT,
  SMALL_MODEL,
  withClassifier,
} from '../support/model-cases.js';
import { expectAll } from '../support/model-gradients.js';

/** Every strategy with two or three classes in turn; a longer run has both. */
const cases = STRATEGIES.flatMap((strategy, index) =>
  (CASES > 1 ? [2, 3] : [2 + (index % 2)]).map((classes): [Strategy, number, number] => [
    strategy,
    classes,
    10 * index + classes,
  ]),
);

describe('a classifier', () => {
  it.each(cases)(
    'has the logits, loss and gradients of the reference: %s, %i classes',
    async (strategy, classes, seed) => {
      const config = { ...modelFor(strategy), classes };
      const weights = randomWeights(config, seed);
      await withClassifier(config, weights, async (classifier) => {
        const batch = randomBatch(config, strategy, seed);
        await expectAll(classifier, weights, batch);
      });
    },
  );

  it.each(STRATEGIES.map((strategy, index): [Strategy, number] => [strategy, index]))(
    'has those of the reference with the dropout masks of the step: %s',
    async (strategy, index) => {
      const dropout = { hiddenDropout: 0.1, attentionDropout: 0.1 };
      const tagEmbeddings = index % 2 === 0 ? { tagEmbeddings: TOKEN_TAGS.length } : {};
      const config = { ...modelFor(strategy), classes: 3, ...dropout, ...tagEmbeddings };
      const weights = randomWeights(config, 50 + index);
      await withClassifier(config, weights, async (classifier) => {
        const batch = randomBatch(config, strategy, 60 + index);
        await expectAll(classifier, weights, batch, { seed: 42, step: 300 + index });
        // Inference drops nothing.
        await expectAll(classifier, weights, batch);
      });
    },
  );

  it.each<[Strategy, number]>([
    ['none', 0],
    ['hard', 1],
    ['learned', 2],
  ])(
    'that is DistilBERT has those of the reference, without dropout and with the masks of a step: %s',
    async (strategy, index) => {
      const dropout = { hiddenDropout: 0.1, attentionDropout: 0.1, headDropout: 0.2 };
      const config = { ...modelFor(strategy, SMALL_DISTILBERT), ...dropout, classes: 2 + (index % 2) };
      const weights = randomWeights(config, 110 + index);
      await withClassifier(config, weights, async (classifier) => {
        const batch = randomBatch(config, strategy, 120 + index);
        await expectAll(classifier, weights, batch);
        await expectAll(classifier, weights, batch, { seed: 42, step: 200 + index });
      });
    },
  );

  it.each<[string, Partial<ModelConfig>]>([
    ['masked tokens', { task: 'mlm' }],
    // More than a texture holds, and not a multiple of four: logits are in two blocks.
    ['masked tokens of a long vocabulary', { task: 'mlm', vocabulary: 8205, layers: 1 }],
    ['masked tokens, DistilBERT', { ...SMALL_DISTILBERT, task: 'mlm' }],
  ])('of %s has those of the reference', async (_, changes) => {
    const config = { ...SMALL_MODEL, hidden: 32, ...changes };
    const weights = randomWeights(config, 130);
    await withClassifier(config, weights, async (classifier) => {
      const batch = randomBatch(config, 'none', 140, [9, 2, 14]);
      await expectAll(classifier, weights, batch);
    });
  });

  it('refuses learned biases that it does not have, or of other tags', async () => {
    const { batch } = randomBatch(SMALL_MODEL, 'learned', 90);
    for (const biasTags of [0, 3]) {
      const config = { ...SMALL_MODEL, biasTags };
      await withClassifier(config, randomWeights(config, 90), async (classifier) => {
        const { message } = callerErrorOf(() => classifier.upload(batch));
        expect(message).toContain(
          `over ${PAPER_RULES.tags.length} tags, and a model with biases of ${biasTags};`,
        );
      });
    }
  });

  it('is right for batches of many sizes in sequence', async () => {
    const weights = randomWeights(SMALL_MODEL, 70);
    await withClassifier(SMALL_MODEL, weights, async (classifier) => {
      for (const [index, lengths] of [[30, 40], [2], [9, 2, 33, 48, 7, 21], [3, 2]].entries()) {
        const batch = randomBatch(SMALL_MODEL, index % 2 === 0 ? 'guided' : 'none', 80 + index, lengths);
        await expectAll(classifier, weights, batch);
      }
    });
  });
});
