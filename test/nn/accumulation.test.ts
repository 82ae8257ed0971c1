import { describe, expect, it } from 'vitest';
import { ADAMW_DEFAULTS } from '../../src/nn/adamw.js';
import type { Classifier } from '../../src/nn/classifier.js';
import { exact, plainInStrides, type Round } from '../reference/arithmetic.js';
import { type BertBatch, referenceBert } from '../reference/bert.js';
import { bitsOfAll } from '../support/bits.js';
import { largestError } from '../support/error-bound.js';
import { expectComputed } from '../support/guarded-buffers.js';
import {
  type BatchCase,
  modelFor,
  randomBatch,
  randomWeights,
  SMALL_MODEL,
  withClassifier,
} from '../support/model-cases.js';

const TINY_MODEL = { ...SMALL_MODEL, hidden: 32, feedForward: 32, layers: 1 };

/** Kernels in sequence whose errors a gradient accumulates: products, norms, attentions, and the sum over batches. */
const KERNELS = 9;

/** Several batches as one. */
function together(cases: readonly BatchCase[]): BertBatch {
  const references = cases.map(({ reference }) => reference);
  const starts = [0];
  for (const { tags } of references) starts.push(starts.at(-1)! + tags!.length);
  return {
    sentences: references.flatMap(({ sentences }) => sentences),
    labels: references.flatMap(({ labels }) => Array.from(labels)),
    tags: references.flatMap(({ tags }) => Array.from(tags!)),
    bias(query, key, layer, head) {
      const of = starts.findLastIndex((start) => start <= query);
      return references[of].bias(query - starts[of], key - starts[of], layer, head);
    },
  };
}

function step(classifier: Classifier, cases: readonly BatchCase[], number: number, seed = 1): void {
  const rows = cases.reduce((total, { batch }) => total + batch.sequences, 0);
  for (const [index, { batch }] of cases.entries()) {
    const training = { seed, step: number, microBatch: { index, count: cases.length, rows } };
    classifier.trainStep(batch, training, 1e-3, ADAMW_DEFAULTS);
  }
}

describe('a step of several batches', () => {
  it.each([
    ['none', [[9, 2, 5], [11]]],
    ['guided', [[8, 7], [3, 3, 5, 9, 2], [6]]],
    ['learned', [[5], [6, 4], [31, 9], [2, 2, 2]]],
  ] as const)(
    'has the loss and the gradients of one batch of all examples: %s',
    async (strategy, lengths) => {
      const config = { ...modelFor(strategy, TINY_MODEL), classes: 3 };
      const weights = randomWeights(config, 3);
      const cases = lengths.map((of, index) => randomBatch(config, strategy, 200 + index, [...of]));
      const evaluate = (round: Round) => {
        const result = referenceBert(config, weights, together(cases), round);
        return new Map([...result.gradients(), ['loss', result.loss]]);
      };
      const exactly = evaluate(exact);
      const plainly = [1, 2, 3].map((strides) => evaluate(plainInStrides(strides)));
      await withClassifier(config, weights, async (classifier) => {
        step(classifier, cases, 4);
        const { parameters } = classifier;
        const actual = await parameters.read(parameters.trainingBuffers.gradients);
        actual.set('loss', Float32Array.from(await classifier.readLosses(4, 4)));
        expect([...actual.keys()].sort()).toEqual([...exactly.keys()].sort());
        for (const [name, values] of actual) {
          const expected = exactly.get(name)!;
          const errors = plainly.map((plain) => largestError(plain.get(name)!.values, expected.values));
          const worst = plainly[errors.indexOf(Math.max(...errors))].get(name)!;
          expectComputed(name, values, expected, worst, KERNELS);
        }
      });
    },
  );

  it('updates the weights once, with its last batch, and has no effect on the next step', async () => {
    const cases = [300, 301].map((seed) => randomBatch(SMALL_MODEL, 'hard', seed));
    const weights = randomWeights(SMALL_MODEL, 4);
    await withClassifier(SMALL_MODEL, weights, async (classifier) => {
      const { parameters } = classifier;
      const rows = cases[0].batch.sequences + cases[1].batch.sequences;
      const microBatch = { index: 0, count: 2, rows };
      classifier.trainStep(cases[0].batch, { seed: 1, step: 1, microBatch }, 1e-3, ADAMW_DEFAULTS);
      expect(bitsOfAll(await parameters.read())).toEqual(bitsOfAll(weights));
      const next = { seed: 1, step: 1, microBatch: { ...microBatch, index: 1 } };
      classifier.trainStep(cases[1].batch, next, 1e-3, ADAMW_DEFAULTS);
      expect(bitsOfAll(await parameters.read())).not.toEqual(bitsOfAll(weights));

      // The gradients do not depend on moments: on the same weights they are the same in any step.
      const gradients = [];
      for (const number of [2, 3]) {
        parameters.write(weights);
        step(classifier, cases, number);
        gradients.push(bitsOfAll(await parameters.read(parameters.trainingBuffers.gradients)));
      }
      expect(gradients[1]).toEqual(gradients[0]);
    });
  });

  it('drops other values in each batch; in the first, those of a step of one batch', async () => {
    const config = { ...SMALL_MODEL, hiddenDropout: 0.3, attentionDropout: 0.3 };
    const { batch } = randomBatch(config, 'hard', 310);
    await withClassifier(config, randomWeights(config, 5), async (classifier) => {
      const { parameters } = classifier;
      const gradientsOf = async (microBatch?: { index: number; count: number; rows: number }) => {
        classifier.computeGradients(batch, { seed: 1, step: 7, microBatch });
        return bitsOfAll(await parameters.read(parameters.trainingBuffers.gradients));
      };
      const rows = batch.sequences;
      const alone = await gradientsOf();
      expect(await gradientsOf({ index: 0, count: 3, rows })).toEqual(alone);
      const [second, third] = [
        await gradientsOf({ index: 1, count: 3, rows }),
        await gradientsOf({ index: 2, count: 3, rows }),
      ];
      const name = 'bert.encoder.layer.0.output.dense.weight';
      expect(second[name]).not.toEqual(alone[name]);
      expect(third[name]).not.toEqual(alone[name]);
      expect(third[name]).not.toEqual(second[name]);
    });
  });
});
