import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADAMW_DEFAULTS } from '../../src/nn/adamw.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import type { Parameters } from '../../src/nn/parameters.js';
import { type PairWeights, SparsityPenalty } from '../../src/nn/sparsity-penalty.js';
import { inBothPrecisions } from '../reference/arithmetic.js';
import { type Sparsity, sparsityGradient, sparsityPenalty } from '../reference/sparsity.js';
import { anySeed, runs } from '../support/arbitraries.js';
import { withBuffers } from '../support/guarded-buffers.js';
import { modelFor, randomBatch, randomWeights, withClassifier } from '../support/model-cases.js';
import { generator, randomFloats, randomInteger } from '../support/random.js';

/** What both the reference and the engine read. */
type Drawn = Sparsity & PairWeights & { table: Float32Array };

/** Tables of one layer over texts that lack some tags, and some pairs of tags. */
function randomSparsity(seed: number, heads: number, tags: number, size: number, strength: number): Drawn {
  const random = generator(seed);
  const unseen = randomInteger(random, -1, tags - 1);
  const counts = Array.from({ length: tags * tags }, (_, pair) => {
    const lacks = Math.floor(pair / tags) === unseen || pair % tags === unseen || random() < 0.2;
    return lacks ? 0 : randomInteger(random, 1, 1000);
  });
  const total = counts.reduce((a, b) => a + b, 0) || 1;
  const rowTotals = Array.from({ length: tags }, (_, row) =>
    counts.slice(row * tags, (row + 1) * tags).reduce((a, b) => a + b, 0),
  );
  return {
    tags,
    strength,
    table: randomFloats(random, heads * tags * tags, size),
    shares: Float32Array.from(counts, (count, pair) => count && count / rowTotals[Math.floor(pair / tags)]),
    costs: Float32Array.from(counts, (count) => (random() < 0.2 ? 0 : count / total)),
  };
}

const anyCase = fc.record({
  seed: anySeed,
  heads: fc.integer({ min: 1, max: 4 }),
  tags: fc.constantFrom(1, 2, 3, 20, 64),
  size: fc.constantFrom(0, 0.5, 8, 200),
  strength: fc.constantFrom(1e-3, 1, 30),
});

describe('the reference of the sparsity penalty', () => {
  it('has the gradient of finite differences', () => {
    const sparsity = randomSparsity(3, 2, 5, 2, 1.5);
    const { values } = sparsityGradient(sparsity, new Float64Array(sparsity.table.length));
    const step = 1e-6;
    values.forEach((gradient, entry) => {
      const at = (change: number) => {
        const table = Float64Array.from(sparsity.table, (x, i) => (i === entry ? x + change : x));
        return sparsityPenalty({ ...sparsity, table });
      };
      expect((at(step) - at(-step)) / (2 * step)).toBeCloseTo(gradient, 8);
    });
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(1e-3);
  });

  it('does not change where a row is lowered as a whole, as softmax does not', () => {
    const sparsity = randomSparsity(4, 1, 6, 2, 1);
    const lowered = { ...sparsity, table: Float64Array.from(sparsity.table, (x, i) => x - (i < 6 ? 50 : 0)) };
    expect(sparsityPenalty(lowered)).toBeCloseTo(sparsityPenalty(sparsity), 12);
    expect(sparsityPenalty(sparsity)).toBeGreaterThan(0.1);
  });
});

describe('the sparsity penalty', () => {
  it('adds its gradient to that of the tables', async () => {
    const property = fc.asyncProperty(anyCase, ({ seed, heads, tags, size, strength }) =>
      withBuffers(async (buffers, recorder) => {
        const sparsity = randomSparsity(seed, heads, tags, size, strength);
        const before = randomFloats(generator(seed + 1), sparsity.table.length, 0.01);
        const gradient = buffers.inPlace(before);
        const table = buffers.input(sparsity.table);
        const parameters = {
          slice: () => ({ buffer: table }),
          gradient: () => ({ buffer: gradient }),
        } as unknown as Parameters;
        const { shares, costs } = sparsity;
        const penalty = new SparsityPenalty(buffers.device, heads * strength, { shares, costs });
        penalty.record(recorder, parameters, {
          family: 'bert',
          layers: 1,
          heads,
          biasTags: tags,
        } as ModelConfig);
        recorder.submit();
        const { exact, plain } = inBothPrecisions((round) => sparsityGradient(sparsity, before, round));
        await buffers.expectClose('gradient', gradient, exact, plain);
        penalty.release();
      }),
    );
    await fc.assert(property, runs(40));
  });

  it('becomes less in every layer and head when it is trained', async () => {
    const config = modelFor('learned');
    const { biasTags: tags, layers, heads } = config;
    const { shares, costs } = randomSparsity(5, 1, tags, 1, 1) as {
      shares: Float32Array;
      costs: Float32Array;
    };
    const weights = randomWeights(config, 7);
    const { batch } = randomBatch(config, 'learned', 8);
    const penaltyAfter = async (strength: number) => {
      const sums: number[] = [];
      await withClassifier(config, weights, async (classifier) => {
        classifier.usePenalty(new SparsityPenalty(classifier.device, strength, { shares, costs }));
        for (let step = 1; step <= 20; step++) {
          classifier.trainStep(batch, { seed: 1, step }, 0.05, ADAMW_DEFAULTS);
        }
        const learned = await classifier.parameters.read();
        for (let layer = 0; layer < layers; layer++) {
          const table = learned.get(`bert.encoder.layer.${layer}.attention.self.tag_bias`)!;
          for (let head = 0; head < heads; head++) {
            const ofHead = table.subarray(head * tags ** 2, (head + 1) * tags ** 2);
            sums.push(sparsityPenalty({ tags, strength: 1, table: ofHead, shares, costs }));
          }
        }
      });
      return sums;
    };
    const [without, under] = [await penaltyAfter(0), await penaltyAfter(300)];
    expect(under).toHaveLength(layers * heads);
    under.forEach((penalty, head) => {
      expect(penalty).toBeLessThan(0.9 * without[head]);
    });
  });
});
