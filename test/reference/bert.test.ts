import { describe, expect, it } from 'vitest';
import { generator, randomFloats } from '../support/random.js';
import { type BertBatch, type Factors, type ReferenceConfig, referenceBert } from './bert.js';
import { attentionFactor, hiddenFactor, streamOf } from './dropout.js';

/** Tiny, since each weight takes two runs of the model. */
const BERT: ReferenceConfig = {
  family: 'bert',
  hidden: 4,
  layers: 2,
  heads: 2,
  classes: 3,
  normEpsilon: 1e-12,
};
const FEED_FORWARD = 6;
const VOCABULARY = 7;
const POSITIONS = 5;

/** Hugging Face's names and sizes, written down a second time: the engine's list is compared with them. */
function tinyWeights(shape: ReferenceConfig, biasTags: number): Map<string, Float64Array> {
  const { hidden, layers, classes } = shape;
  const random = generator(11);
  const weights = new Map<string, Float64Array>();
  const add = (name: string, length: number, size: number, around = 0) => {
    weights.set(
      name,
      Float64Array.from(randomFloats(random, length, size), (x) => x + around),
    );
  };
  const linear = (name: string, outputs: number, inputs: number) => {
    add(`${name}.weight`, outputs * inputs, 0.6);
    add(`${name}.bias`, outputs, 0.3);
  };
  const norm = (name: string) => {
    add(`${name}.weight`, hidden, 0.3, 1);
    add(`${name}.bias`, hidden, 0.3);
  };
  if (shape.family === 'distilbert') {
    add('distilbert.embeddings.word_embeddings.weight', VOCABULARY * hidden, 1);
    add('distilbert.embeddings.position_embeddings.weight', POSITIONS * hidden, 0.5);
    norm('distilbert.embeddings.LayerNorm');
    for (let index = 0; index < layers; index++) {
      const layer = `distilbert.transformer.layer.${index}`;
      for (const role of ['q_lin', 'k_lin', 'v_lin', 'out_lin']) {
        linear(`${layer}.attention.${role}`, hidden, hidden);
      }
      if (biasTags > 0) add(`${layer}.attention.tag_bias`, shape.heads * biasTags ** 2, 1);
      norm(`${layer}.sa_layer_norm`);
      linear(`${layer}.ffn.lin1`, FEED_FORWARD, hidden);
      linear(`${layer}.ffn.lin2`, hidden, FEED_FORWARD);
      norm(`${layer}.output_layer_norm`);
    }
    linear('pre_classifier', hidden, hidden);
    linear('classifier', classes, hidden);
    return weights;
  }
  add('bert.embeddings.word_embeddings.weight', VOCABULARY * hidden, 1);
  add('bert.embeddings.position_embeddings.weight', POSITIONS * hidden, 0.5);
  add('bert.embeddings.token_type_embeddings.weight', 2 * hidden, 0.5);
  norm('bert.embeddings.LayerNorm');
  for (let index = 0; index < layers; index++) {
    const layer = `bert.encoder.layer.${index}`;
    for (const role of ['query', 'key', 'value']) linear(`${layer}.attention.self.${role}`, hidden, hidden);
    if (biasTags > 0) add(`${layer}.attention.self.tag_bias`, shape.heads * biasTags ** 2, 1);
    linear(`${layer}.attention.output.dense`, hidden, hidden);
    norm(`${layer}.attention.output.LayerNorm`);
    linear(`${layer}.intermediate.dense`, FEED_FORWARD, hidden);
    linear(`${layer}.output.dense`, hidden, FEED_FORWARD);
    norm(`${layer}.output.LayerNorm`);
  }
  linear('bert.pooler.dense', hidden, hidden);
  linear('classifier', classes, hidden);
  return weights;
}

const FACTORS: Factors = {
  hidden: (site, layer, row, channel) => {
    const stream = streamOf(site.length, layer);
    return hiddenFactor({ probability: 0.2, stream }, row, channel);
  },
  attention: (layer, head, query, key) =>
    attentionFactor({ probability: 0.2, stream: streamOf(layer) }, head, query, key),
};

describe.each<ReferenceConfig>([BERT, { ...BERT, family: 'distilbert' }])(
  'the reference $family',
  (shape) => {
    const sentences = [
      [1, 4, 4, 2],
      [1, 2],
      [1, 5, 6],
    ];
    const cases: [string, Partial<BertBatch>][] = [
      ['with all pairs', {}],
      [
        'with biases and missing pairs',
        { bias: (q, k) => ((q + 2 * k) % 3 === 0 && q !== k ? undefined : q % 2) },
      ],
      ['with dropout', { factors: FACTORS }],
      ['with learned biases', { tags: [0, 1, 2, 1, 0, 1, 0, 2, 2], factors: FACTORS }],
    ];
    it.each(cases)('has the gradients of its loss, %s', (_, partial) => {
      const batch: BertBatch = { sentences, labels: [2, 0, 1], bias: () => 0, ...partial };
      const weights = tinyWeights(shape, batch.tags ? 3 : 0);
      const loss = () => referenceBert(shape, weights, batch).loss.values[0];
      const gradients = referenceBert(shape, weights, batch).gradients();
      expect([...gradients.keys()].sort()).toEqual([...weights.keys()].sort());
      const step = 1e-5;
      for (const [name, values] of weights) {
        const gradient = gradients.get(name)!.values;
        expect(gradient.length, name).toBe(values.length);
        for (let i = 0; i < values.length; i++) {
          const before = values[i];
          values[i] = before + step;
          const above = loss();
          values[i] = before - step;
          const below = loss();
          values[i] = before;
          // Rounding of the loss over the step, and the third derivative times its square: both are below 1e-9.
          const difference = Math.abs((above - below) / (2 * step) - gradient[i]);
          expect(difference, `${name}[${i}]`).toBeLessThan(1e-8 + 1e-6 * Math.abs(gradient[i]));
        }
      }
    });
  },
);
