import { describe, expect, it } from 'vitest';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import { ADAMW_DEFAULTS } from '../../src/nn/adamw.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import { exact, type Numbers, plainInStrides, type Round } from '../reference/arithmetic.js';
import { type BertBatch, referenceBert, type Weights } from '../reference/bert.js';
import { expectWithinBound, largestError } from '../support/error-bound.js';
import {
  modelFor,
  randomBatch,
  randomWeights,
  SMALL_DISTILBERT,
  SMALL_MODEL,
  withClassifier,
} from '../support/model-cases.js';
import { generator } from '../support/random.js';
import { type RuleShape, randomRules } from '../support/random-rules.js';

/** Softmax written out, pair by pair: [layers][heads] of [tokens, tokens], undefined where a pair does not exist. */
function referenceProbabilities(config: ModelConfig, weights: Weights, batch: BertBatch, round = exact) {
  const { heads, hidden } = config;
  const headDim = hidden / heads;
  const tokens = batch.sentences[0].length;
  const size = TOKEN_TAGS.length;
  const all: (number | undefined)[][][] = [];
  const onAttention = (layer: number, q: Numbers, k: Numbers) => {
    const table = weights.get(`bert.encoder.layer.${layer}.attention.self.tag_bias`);
    const rowOf = (head: number, query: number) => {
      const terms = Array.from({ length: tokens }, (_, key) => {
        const bias = batch.bias(query, key, layer, head);
        if (bias === undefined) return undefined;
        let dot = 0;
        for (let c = 0; c < headDim; c++)
          dot = round(dot + q[(query * heads + head) * headDim + c] * k[(key * heads + head) * headDim + c]);
        const learned = table?.[(head * size + batch.tags![query]) * size + batch.tags![key]] ?? 0;
        return round(Math.exp(round(dot / Math.sqrt(headDim) + bias + learned)));
      });
      const sum = terms.reduce<number>((total, term) => round(total + (term ?? 0)), 0);
      return terms.map((term) => (term === undefined ? undefined : round(term / sum)));
    };
    all[layer] = Array.from({ length: heads }, (_, head) =>
      Array.from({ length: tokens }, (__, query) => rowOf(head, query)).flat(),
    );
  };
  referenceBert(config, weights, { ...batch, onAttention }, round);
  return all;
}

/** Gradient times input for one logit, from the reference's gradient of what the embeddings' norm reads. */
function referenceAttribution(
  config: ModelConfig,
  weights: Weights,
  batch: BertBatch,
  label: number,
  round: Round = exact,
): number[] {
  const { hidden, family } = config;
  const result = referenceBert(config, weights, batch, round);
  const gradient = result.inputGradient(
    Float64Array.from({ length: config.classes }, (_, each) => Number(each === label)),
  );
  const words = weights.get(`${family}.embeddings.word_embeddings.weight`)!;
  return Array.from(batch.sentences[0], (id, token) => {
    let product = 0;
    for (let c = 0; c < hidden; c++) product += words[id * hidden + c] * gradient[token * hidden + c];
    return product;
  });
}

/** Tokens of each sentence. */
const LENGTH = 17;

/** Kernels whose errors add up in the result, at least: products, norms and attentions. */
const KERNELS = 8;

function rowSums(probabilities: ArrayLike<number>): number[] {
  const sums = new Array<number>(LENGTH).fill(0);
  for (let pair = 0; pair < LENGTH ** 2; pair++) sums[Math.floor(pair / LENGTH)] += probabilities[pair];
  return sums;
}

const NARROW: ModelConfig = { ...SMALL_MODEL, heads: 4, feedForward: 64 };

/** Different rules for each head of each layer, some of them within scopes. */
function headRules(seed: number): RuleSet[][] {
  const random = generator(seed);
  const shape: RuleShape = {
    density: 0.5,
    soft: 0.3,
    scopes: ['document', 'sentence', 'window'],
    betas: [2],
  };
  return Array.from({ length: NARROW.layers }, () =>
    Array.from({ length: NARROW.heads }, () => randomRules(random, TOKEN_TAGS, shape, 'random')),
  );
}

const CASES: [string, Strategy, ModelConfig, RuleSet[][] | undefined][] = [
  ['none', 'none', SMALL_MODEL, undefined],
  ['hard', 'hard', NARROW, undefined],
  ['soft', 'soft', SMALL_MODEL, undefined],
  ['learned', 'learned', NARROW, undefined],
  ['hard, rules for each head', 'hard', NARROW, headRules(3)],
  ['guided, rules for each head', 'guided', NARROW, headRules(4)],
];

describe('for an explanation of a sentence,', () => {
  it.each(CASES)(
    'attention probabilities are the softmax of the pairs that exist: %s',
    async (_, strategy, shape, rules) => {
      const config = modelFor(strategy, shape);
      const weights = randomWeights(config, 21);
      const { batch, reference } = randomBatch(config, strategy, 22, [LENGTH], rules);
      const exactly = referenceProbabilities(config, weights, reference);
      const plainly = referenceProbabilities(config, weights, reference, plainInStrides(1));
      const orZero = (row: readonly (number | undefined)[]) => row.map((each) => each ?? 0);
      await withClassifier(config, weights, async (classifier) => {
        const actual = await classifier.attentionProbabilities(batch);
        expect(actual.map((heads) => heads.length)).toEqual(exactly.map((heads) => heads.length));
        for (const [layer, heads] of actual.entries()) {
          for (const [head, probabilities] of heads.entries()) {
            const [expected, plain] = [exactly[layer][head], plainly[layer][head]];
            const name = `layer ${layer}, head ${head}`;
            expectWithinBound(name, probabilities, orZero(expected), orZero(plain), 1, KERNELS);
            expect(expected.every((each, pair) => each !== undefined || probabilities[pair] === 0)).toBe(
              true,
            );
            const sums = rowSums(probabilities);
            const expectedSums = rowSums(orZero(expected));
            expectWithinBound(`${name}: rows`, sums, expectedSums, rowSums(orZero(plain)), 1, KERNELS);
            expect(expectedSums.every((sum) => sum === 0 || Math.abs(sum - 1) < 1e-12)).toBe(true);
            expect(Math.max(...probabilities)).toBeGreaterThan(0.2);
          }
        }
      });
    },
  );

  it('attention probabilities are exact where scores are large', async () => {
    const weights = randomWeights(NARROW, 23);
    // Every score is 16 · 2048² / 4 = 2²⁴, exactly. An f32 there has no room for the logarithm of a sum of 17.
    for (let layer = 0; layer < NARROW.layers; layer++) {
      for (const part of ['query', 'key']) {
        const name = `bert.encoder.layer.${layer}.attention.self.${part}`;
        weights.get(`${name}.weight`)!.fill(0);
        weights.get(`${name}.bias`)!.fill(2048);
      }
    }
    const { batch } = randomBatch(NARROW, 'none', 24, [LENGTH]);
    await withClassifier(NARROW, weights, async (classifier) => {
      const all = (await classifier.attentionProbabilities(batch)).flat();
      expect(all).toHaveLength(NARROW.layers * NARROW.heads);
      for (const probabilities of all)
        for (const probability of probabilities) expect(probability).toBeCloseTo(1 / LENGTH, 6);
    });
  });

  it.each<[string, Strategy, ModelConfig, RuleSet[][] | undefined]>([
    ...CASES,
    ['DistilBERT', 'hard', SMALL_DISTILBERT, undefined],
  ])('attribution is gradient times input of one logit: %s', async (_, strategy, shape, rules) => {
    const config = modelFor(strategy, shape);
    const weights = randomWeights(config, 31);
    const { batch, reference } = randomBatch(config, strategy, 32, [LENGTH], rules);
    await withClassifier(config, weights, async (classifier) => {
      for (const label of [0, 1]) {
        const expected = referenceAttribution(config, weights, reference, label);
        const plainly = [1, 3].map((strides) =>
          referenceAttribution(config, weights, reference, label, plainInStrides(strides)),
        );
        const worst = plainly.reduce((a, b) =>
          largestError(b, expected) > largestError(a, expected) ? b : a,
        );
        const actual = await classifier.attribution(batch, label);
        expectWithinBound(`label ${label}`, actual, expected, worst, undefined, KERNELS);
        expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-2);
      }
    });
  });

  it('the reference’s attribution agrees with finite differences', () => {
    const weights = randomWeights(SMALL_MODEL, 41);
    const { reference } = randomBatch(SMALL_MODEL, 'hard', 42, [7]);
    // Each token once, so that scaling a row of the table scales one token alone.
    const batch = { ...reference, sentences: [Float64Array.from([9, 3, 5, 7, 11, 13, 2])] };
    const exact = referenceAttribution(SMALL_MODEL, weights, batch, 1);
    const name = 'bert.embeddings.word_embeddings.weight';
    const logitWith = (token: number, factor: number) => {
      const table = Float64Array.from(weights.get(name)!);
      const row = batch.sentences[0][token];
      for (let c = 0; c < SMALL_MODEL.hidden; c++) table[row * SMALL_MODEL.hidden + c] *= factor;
      return referenceBert(SMALL_MODEL, new Map<string, Numbers>([...weights, [name, table]]), batch).logits
        .values[1];
    };
    exact.forEach((value, token) => {
      const step = 1e-5;
      const slope = (logitWith(token, 1 + step) - logitWith(token, 1 - step)) / (2 * step);
      expect(Math.abs(slope - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
    });
  });

  it('a batch of several sequences is refused', async () => {
    const { batch } = randomBatch(SMALL_MODEL, 'hard', 5, [3, 4]);
    await withClassifier(SMALL_MODEL, randomWeights(SMALL_MODEL, 5), async (classifier) => {
      const complaint = 'a batch of 2 sequences; expected one sequence';
      await expect(classifier.attentionProbabilities(batch)).rejects.toThrow(complaint);
      await expect(classifier.attribution(batch, 0)).rejects.toThrow(complaint);
    });
  });

  it('the computations do not change later training', async () => {
    const weights = randomWeights(SMALL_MODEL, 6);
    const sentence = randomBatch(SMALL_MODEL, 'hard', 7, [12]).batch;
    const { batch } = randomBatch(SMALL_MODEL, 'hard', 8);
    const trained: Map<string, Float32Array>[] = [];
    for (const explains of [false, true]) {
      await withClassifier(SMALL_MODEL, weights, async (classifier) => {
        classifier.trainStep(batch, { seed: 1, step: 1 }, 1e-3, ADAMW_DEFAULTS);
        if (explains) {
          await classifier.attribution(sentence, 1);
          await classifier.attentionProbabilities(sentence);
        }
        classifier.trainStep(batch, { seed: 1, step: 2 }, 1e-3, ADAMW_DEFAULTS);
        trained.push(await classifier.parameters.read());
      });
    }
    expect(trained[1]).toEqual(trained[0]);
  });
});
