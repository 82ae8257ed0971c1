import { describe, expect, it } from 'vitest';
import { readFloats } from '../../src/gpu/buffers.js';
import type { Strategy } from '../../src/grammar/rules.js';
import { ADAMW_DEFAULTS } from '../../src/nn/adamw.js';
import type { Classifier } from '../../src/nn/classifier.js';
import { initialWeights } from '../../src/nn/initial-weights.js';
import { paddedOutputs } from '../../src/nn/model-config.js';
import { referenceBert } from '../reference/bert.js';
import { adamWStep, clipFactor } from '../reference/training.js';
import { testDevice } from '../support/device.js';
import { modelFor, randomBatch, randomWeights, SMALL_MODEL, withClassifier } from '../support/model-cases.js';

describe('initial weights', () => {
  const flat = (weights: Map<string, Float32Array>) => [...weights.values()].flatMap((values) => [...values]);

  it('depend on the seed alone', () => {
    expect(initialWeights(SMALL_MODEL, 7)).toEqual(initialWeights(SMALL_MODEL, 7));
    expect(flat(initialWeights(SMALL_MODEL, 7))).not.toEqual(flat(initialWeights(SMALL_MODEL, 8)));
  });

  it('have the distribution of BERT', () => {
    for (const [name, values] of initialWeights(modelFor('learned'), 7)) {
      const { length } = values;
      const mean = values.reduce((a, b) => a + b, 0) / length;
      if (name.endsWith('LayerNorm.weight')) expect([...new Set(values)], name).toEqual([1]);
      else if (/[._]bias$/.test(name)) expect([...new Set(values)], name).toEqual([0]);
      else {
        // Five standard deviations of a mean, and of a variance, of normal numbers; [PAD] holds zeros.
        const drawn = name.includes('word_embeddings') ? values.subarray(SMALL_MODEL.hidden) : values;
        const deviation = SMALL_MODEL.initializerRange;
        const variance = drawn.reduce((a, b) => a + b * b, 0) / drawn.length;
        expect(Math.abs(mean), name).toBeLessThan((5 * deviation) / Math.sqrt(length));
        expect(Math.abs(variance / deviation ** 2 - 1), name).toBeLessThan(5 * Math.sqrt(2 / drawn.length));
        if (drawn !== values) expect(values.subarray(0, SMALL_MODEL.hidden).every((x) => x === 0)).toBe(true);
      }
    }
  });
});

describe('training', () => {
  /** Reads back the state from which AdamW starts, so that each step is checked from the actual end of the one before. */
  async function state({ parameters }: Classifier) {
    const { firstMoment, secondMoment } = parameters.trainingBuffers;
    return {
      parameter: await parameters.read(),
      firstMoment: await parameters.read(firstMoment),
      secondMoment: await parameters.read(secondMoment),
    };
  }

  it.each<Strategy>(['guided', 'learned'])(
    "takes AdamW's steps along the reference's gradients: %s",
    async (strategy) => {
      const config = { ...modelFor(strategy), hidden: 32, feedForward: 64, classes: 3 };
      const options = { ...ADAMW_DEFAULTS, maxGradNorm: 0.1 };
      const rate = 1e-3;
      await withClassifier(config, randomWeights(config, 5), async (classifier) => {
        for (const step of [1, 2]) {
          const { batch, reference } = randomBatch(config, strategy, 20 + step);
          const before = await state(classifier);
          classifier.trainStep(batch, { seed: 1, step }, rate, options);
          const after = await state(classifier);
          const gradients = referenceBert(config, before.parameter, reference).gradients();
          const all = [...gradients.values()].flatMap(({ values }) => Array.from(values));
          const { norm, factor } = clipFactor(all, options.maxGradNorm);
          expect(norm, 'a gradient to be clipped').toBeGreaterThan(options.maxGradNorm);
          const compared = new Map<string, number>();
          for (const [name, { values, scale }] of gradients) {
            const weightDecay = /LayerNorm|[._]bias$/.test(name) ? 0 : options.weightDecay;
            const expected = adamWStep(
              { ...options, weightDecay, rate, step, factor },
              {
                parameter: before.parameter.get(name)!,
                gradient: values,
                firstMoment: before.firstMoment.get(name)!,
                secondMoment: before.secondMoment.get(name)!,
              },
            );
            values.forEach((gradient, i) => {
              // AdamW divides by the size of the gradient: where that is rounding error, so is the step.
              if (Math.abs(gradient) < 1e-3 * scale) return;
              compared.set(name, (compared.get(name) ?? 0) + 1);
              const difference = Math.abs(after.parameter.get(name)![i] - expected.parameter.values[i]);
              expect(difference, `${name}[${i}] after step ${step}`).toBeLessThan(1e-3 * rate);
            });
          }
          const total = [...compared.values()].reduce((sum, count) => sum + count, 0);
          expect(total, 'numbers compared').toBeGreaterThan(0.5 * all.length);
          const tables = [...compared.keys()].filter((name) => name.endsWith('tag_bias'));
          expect(tables).toHaveLength(strategy === 'learned' ? config.layers : 0);
        }
      });
    },
  );

  const dropping = { ...SMALL_MODEL, classes: 3, hiddenDropout: 0.1, attentionDropout: 0.1 };

  /** Parameters and losses as bits, since NaN does not equal itself, and -0 equals 0. */
  async function afterFiveSteps(seed: number): Promise<string> {
    let bits = '';
    await withClassifier(dropping, randomWeights(dropping, 5), async (classifier) => {
      for (let step = 1; step <= 5; step++) {
        const { batch } = randomBatch(dropping, 'guided', 30 + step);
        classifier.trainStep(batch, { seed, step }, 1e-3, ADAMW_DEFAULTS);
      }
      const { device, parameters, outcomes } = classifier;
      const values = await readFloats(device, parameters.values[0], parameters.layout.all.length);
      expect(values.every(Number.isFinite)).toBe(true);
      bits = [values, await readFloats(device, outcomes, 6)]
        .map(({ buffer }) => Buffer.from(buffer).toString('base64'))
        .join(' ');
    });
    return bits;
  }

  it('gives the same bits for the same seed, and others for another', async () => {
    const first = await afterFiveSteps(42);
    expect((await afterFiveSteps(42)) === first, 'the same seed').toBe(true);
    expect((await afterFiveSteps(43)) === first, 'another seed').toBe(false);
  });

  it('leaves the padding of the classifier at zero', async () => {
    await withClassifier(dropping, randomWeights(dropping, 6), async (classifier) => {
      const { batch } = randomBatch(dropping, 'guided', 40);
      classifier.trainStep(batch, { seed: 1, step: 1 }, 1e-2, ADAMW_DEFAULTS);
      const { hidden, classes } = dropping;
      const { buffer, offset = 0 } = classifier.parameters.slice('classifier.weight');
      const length = (paddedOutputs(dropping) - classes) * hidden;
      const padding = await readFloats(await testDevice(), buffer, length, offset / 4 + classes * hidden);
      expect(padding).toEqual(new Float32Array(length));
    });
  });

  it('overfits a batch', async () => {
    await withClassifier(dropping, initialWeights(dropping, 3), async (classifier) => {
      const { batch } = randomBatch(dropping, 'guided', 50);
      for (let step = 1; step <= 40; step++) {
        classifier.trainStep(batch, { seed: 1, step }, 2e-3, ADAMW_DEFAULTS);
      }
      const losses = await classifier.readLosses(1, 40);
      expect(losses[0]).toBeGreaterThan(0.7);
      expect(Math.max(...losses.slice(-5))).toBeLessThan(0.2);
    });
  });
});
