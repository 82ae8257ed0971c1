import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../src/grammar/rules.js';
import { TOKEN_TAGS } from '../../src/grammar/tags.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import type { Numbers } from '../reference/arithmetic.js';
import { type BertBatch, referenceBert, type Weights } from '../reference/bert.js';
import { modelFor, randomBatch, randomWeights, SMALL_MODEL, withClassifier } from '../support/model-cases.js';

/** [layers] of [heads, tags, tags]: softmax written out, pair by pair, in float64. */
function referenceMass(config: ModelConfig, weights: Weights, batch: BertBatch): Float64Array[] {
  const { heads, hidden } = config;
  const size = TOKEN_TAGS.length;
  const headDim = hidden / heads;
  const masses: Float64Array[] = [];
  const tags = batch.tags!;
  const add = (layer: number, q: Numbers, k: Numbers) => {
    const table = weights.get(`bert.encoder.layer.${layer}.attention.self.tag_bias`);
    const mass = new Float64Array(heads * size * size);
    let start = 0;
    for (const { length } of batch.sentences) {
      for (let head = 0; head < heads; head++) {
        for (let query = start; query < start + length; query++) {
          const weightsOfRow = Array.from({ length }, (_, column) => {
            const key = start + column;
            const bias = batch.bias(query, key, layer, head);
            if (bias === undefined) return 0;
            let dot = 0;
            for (let c = 0; c < headDim; c++)
              dot += q[(query * heads + head) * headDim + c] * k[(key * heads + head) * headDim + c];
            const learned = table?.[(head * size + tags[query]) * size + tags[key]] ?? 0;
            return Math.exp(dot / Math.sqrt(headDim) + bias + learned);
          });
          const sum = weightsOfRow.reduce((a, b) => a + b, 0);
          weightsOfRow.forEach((weight, column) => {
            if (weight > 0) mass[(head * size + tags[query]) * size + tags[start + column]] += weight / sum;
          });
        }
      }
      start += length;
    }
    masses[layer] = mass;
  };
  referenceBert(config, weights, { ...batch, onAttention: add });
  return masses;
}

describe('the attention that pairs of tags get', () => {
  // Heads of 16 channels have fewer channels than there are tags, and take the tags in turns.
  const narrow = { ...SMALL_MODEL, heads: 4 };
  it.each<[Strategy, ModelConfig]>([
    ['none', SMALL_MODEL],
    ['learned', narrow],
    ['hard', narrow],
  ])('is the sum of their probabilities: %s', async (strategy, shape) => {
    const config = modelFor(strategy, shape);
    const weights = randomWeights(config, 11);
    const { batch, reference } = randomBatch(config, strategy, 12);
    const expected = referenceMass(config, weights, reference);
    await withClassifier(config, weights, async (classifier) => {
      const tags = Uint8Array.from(reference.tags!);
      const masses = await classifier.attentionMass(batch, tags, TOKEN_TAGS.length);
      expect(masses).toHaveLength(config.layers);
      masses.forEach((mass, layer) => {
        expect(mass).toHaveLength(expected[layer].length);
        mass.forEach((value, entry) => {
          expect(Math.abs(value - expected[layer][entry]), `layer ${layer}, ${entry}`).toBeLessThan(1e-4);
        });
        const total = mass.reduce((sum, value) => sum + value, 0);
        const expectedTotal = expected[layer].reduce((sum, value) => sum + value, 0);
        expect(total).toBeCloseTo(expectedTotal, 3);
        expect(Math.max(...mass)).toBeGreaterThan(1);
      });
    });
  });
});
