import { describe, expect, it } from 'vitest';
import { EngineError } from '../../src/base/errors.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { ADAMW_DEFAULTS } from '../../src/nn/adamw.js';
import { Classifier, type UpdateOptions } from '../../src/nn/classifier.js';
import type { TrainingState } from '../../src/nn/parameters.js';
import { bitsOfAll } from '../support/bits.js';
import { testDevice } from '../support/device.js';
import { modelFor, randomBatch, randomWeights } from '../support/model-cases.js';

const config = { ...modelFor('learned'), hiddenDropout: 0.1, attentionDropout: 0.1 };
const weights = randomWeights(config, 9);
/** Bytes of the largest tensor: a weight of the feed-forward layers. */
const LARGEST_TENSOR = 4 * config.hidden * config.feedForward;

/** Runs a test with a model whose parameter buffers have at most `bytes` bytes; activations may be longer. */
async function withLimit<T>(bytes: number, test: (classifier: Classifier) => Promise<T>): Promise<T> {
  const device = await openDevice({ device: (await testDevice()).gpu, checked: true });
  const actual = device.largestBuffer;
  Object.defineProperty(device, 'largestBuffer', { value: bytes, writable: true });
  let classifier: Classifier | undefined;
  try {
    classifier = new Classifier(device, config);
    Object.assign(device, { largestBuffer: actual });
    classifier.parameters.write(weights);
    return await test(classifier);
  } finally {
    classifier?.release();
    await device.settle();
    device.close();
  }
}

function bitsOfState({ values, firstMoment, secondMoment }: TrainingState) {
  return [values, firstMoment, secondMoment].map(bitsOfAll);
}

const cases = [500, 501, 502, 503].map((seed) => randomBatch(config, 'learned', seed).batch);

/** Two steps of two batches each. @param resume Whether the second step continues from what was read after the first. */
async function trained(classifier: Classifier, options: UpdateOptions, resume: boolean) {
  const { parameters } = classifier;
  for (const step of [1, 2]) {
    const batches = cases.slice(2 * step - 2, 2 * step);
    const rows = batches[0].sequences + batches[1].sequences;
    for (const [index, batch] of batches.entries())
      classifier.trainStep(batch, { seed: 1, step, microBatch: { index, count: 2, rows } }, 1e-2, options);
    if (resume) parameters.writeState(await parameters.readState());
  }
  const logits = (await classifier.logits(cases[0])).map((row) => [...row]);
  return { state: bitsOfState(await parameters.readState()), logits };
}

describe('parameters in several buffers', () => {
  it.each([
    ['all', LARGEST_TENSOR, {}],
    ['without the embeddings', LARGEST_TENSOR + 16_384, { freezeEmbeddings: true }],
    ['clipped', 70_000, { maxGradNorm: 1e-3, biasRateFactor: 10 }],
  ])('train to the same bits as in one: %s', async (_, bytes, changed) => {
    const options = { ...ADAMW_DEFAULTS, ...changed };
    const together = await withLimit(Number.MAX_SAFE_INTEGER, async (classifier) => {
      expect(classifier.parameters.layout.shards).toHaveLength(1);
      return trained(classifier, options, false);
    });
    const apart = await withLimit(bytes, async (classifier) => {
      const { values, layout } = classifier.parameters;
      expect(layout.shards.length).toBeGreaterThan(3);
      expect(values.map(({ size }) => size)).toEqual(layout.shards.map(({ length }) => 4 * length));
      expect(Math.max(...values.map(({ size }) => size))).toBeLessThanOrEqual(bytes);
      return trained(classifier, options, true);
    });
    expect(apart).toEqual(together);
  });

  it('hold every tensor whole, in sequence, in the fewest buffers', async () => {
    const bytes = 50_000;
    await withLimit(bytes, async ({ parameters }) => {
      const { layout, values } = parameters;
      for (const { name, paddedSize } of layout.specs) {
        const { buffer, offset = 0, size = 0 } = parameters.slice(name);
        expect(size).toBe(4 * paddedSize);
        expect(offset + size).toBeLessThanOrEqual(buffer.size);
        expect(values).toContain(buffer);
      }
      for (const [index, { offset, length }] of layout.shards.entries()) {
        const next = layout.shards[index + 1];
        if (next) expect(next.offset).toBe(offset + length);
        // Two neighbours would not fit one buffer.
        if (next) expect(4 * (length + next.length)).toBeGreaterThan(bytes);
      }
      expect(bitsOfAll(await parameters.read())).toEqual(bitsOfAll(weights));
    });
  });

  it('refuse a tensor that no buffer can hold', async () => {
    const name = 'bert.encoder.layer.0.intermediate.dense.weight';
    const error = await withLimit(LARGEST_TENSOR - 256, async () => undefined).catch((reason) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toContain(`tensor "${name}" of 128 x 64 takes ${LARGEST_TENSOR} bytes`);
    expect(error.message).toContain(`expected at most ${LARGEST_TENSOR - 256}`);
  });
});
