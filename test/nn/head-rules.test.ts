import { describe, expect, it } from 'vitest';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { randomBatch, randomWeights, SMALL_MODEL, withClassifier } from '../support/model-cases.js';
import { expectAll } from '../support/model-gradients.js';
import { generator } from '../support/random.js';
import { type RuleShape, randomRules } from '../support/random-rules.js';

/** Rules for each head, [layers][heads]; every third head has those of the first. */
function rulesFor(
  { layers, heads }: Pick<ModelConfig, 'layers' | 'heads'>,
  seed: number,
  shape: RuleShape,
): RuleSet[][] {
  const random = generator(seed);
  const first = randomRules(random, TOKEN_TAGS, shape, 'first');
  return Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (_, head) =>
      (layer * heads + head) % 3 === 0 ? first : randomRules(random, TOKEN_TAGS, shape, 'other'),
    ),
  );
}

const DOCUMENT: RuleShape = { density: 0.5, soft: 0.3, scopes: ['document'], betas: [2] };
const SCOPED: RuleShape = { ...DOCUMENT, scopes: ['document', 'sentence', 'window'] };

describe('a model with rules for each head of each layer', () => {
  it.each<[Strategy, string, RuleShape, number]>([
    ['hard', 'over the document', DOCUMENT, 1],
    ['soft', 'over the document', DOCUMENT, 2],
    ['guided', 'within scopes', SCOPED, 4],
  ])('has the logits, loss and gradients of the reference: %s, %s', async (strategy, _, shape, seed) => {
    const config = { ...SMALL_MODEL, layers: 2, heads: 4 };
    const rules = rulesFor(config, seed, shape);
    const batch = randomBatch(config, strategy, seed, undefined, rules);
    const weights = randomWeights(config, seed);
    await withClassifier(config, weights, (classifier) => expectAll(classifier, weights, batch));
  });

  it('draws dropout by the numbers of heads in their layer', async () => {
    const config = { ...SMALL_MODEL, hiddenDropout: 0.1, attentionDropout: 0.2 };
    const batch = randomBatch(config, 'hard', 5, undefined, rulesFor(config, 5, DOCUMENT));
    const weights = randomWeights(config, 5);
    await withClassifier(config, weights, (classifier) =>
      expectAll(classifier, weights, batch, { seed: 3, step: 9 }),
    );
  });

  it('refuses rules for other layers or heads', async () => {
    await withClassifier(SMALL_MODEL, randomWeights(SMALL_MODEL, 6), async (classifier) => {
      for (const [layers, heads] of [
        [1, 2],
        [2, 1],
        [1, 4],
        [4, 1],
      ]) {
        const rules = rulesFor({ layers, heads }, 6, DOCUMENT);
        const { batch } = randomBatch(SMALL_MODEL, 'hard', 6, undefined, rules);
        const { message } = callerErrorOf(() => classifier.upload(batch));
        expect(message).toBe(
          `rules for ${layers} layers of ${heads} heads; expected 2 layers of 2, as the model has`,
        );
      }
    });
  });
});
