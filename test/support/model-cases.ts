import { referenceTokenBias } from '../../bench/reference-pairs.js';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { TOKEN_TAGS, UNIVERSAL_TAGS } from '../../src/grammar/tags.js';
import { type Batch, makeBatch } from '../../src/nn/batch.js';
import { Classifier } from '../../src/nn/classifier.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import { parameterSpecs, sizeOf } from '../../src/nn/parameter-specs.js';
import type { TrainingStep } from '../../src/nn/pass.js';
import { denseLayout, sparseLayout } from '../../src/plan/layout.js';
import type { BertBatch, Factors } from '../reference/bert.js';
import { attentionFactor, hiddenFactor, streamOf } from '../reference/dropout.js';
import { testDevice } from './device.js';
import { generator, randomFloats, randomInteger } from './random.js';

export const SMALL_MODEL: ModelConfig = {
  family: 'bert',
  vocabulary: 50,
  hidden: 64,
  layers: 2,
  heads: 2,
  feedForward: 128,
  positions: 48,
  types: 2,
  normEpsilon: 1e-12,
  hiddenDropout: 0,
  attentionDropout: 0,
  initializerRange: 0.02,
  classes: 2,
  biasTags: 0,
};

/** A DistilBERT of the same size. */
export const SMALL_DISTILBERT: ModelConfig = { ...SMALL_MODEL, family: 'distilbert', types: 0 };

/** A model for batches under a strategy: `learned` needs tables of biases. */
export function modelFor(strategy: Strategy, config: ModelConfig = SMALL_MODEL): ModelConfig {
  return { ...config, biasTags: strategy === 'learned' ? PAPER_RULES.tags.length : 0 };
}

function weightSize(name: string): number {
  if (name.endsWith('tag_bias')) return 2;
  return name.includes('embeddings.weight') ? 1 : 0.3;
}

/** Weights as large as trained ones: under BERT's initial weights, attention is almost uniform, and biases have no effect. */
export function randomWeights(config: ModelConfig, seed: number): Map<string, Float32Array> {
  const random = generator(seed);
  return new Map(
    parameterSpecs(config).map(({ name, shape, initial }) => {
      const around = initial === 'one' ? 1 : 0;
      const values = randomFloats(random, sizeOf(shape), weightSize(name));
      return [name, values.map((x) => Math.fround(x + around))];
    }),
  );
}

/** Runs a test with a model that holds these weights, and is released after it. */
export async function withClassifier(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  test: (classifier: Classifier) => Promise<void>,
): Promise<void> {
  const classifier = new Classifier(await testDevice(), config);
  try {
    classifier.parameters.write(weights);
    await test(classifier);
  } finally {
    classifier.release();
  }
}

/** The same sentences as the engine reads them and as the reference does. */
export interface BatchCase {
  batch: Batch;
  reference: BertBatch;
}

/**
 * Random sentences, [CLS] first and [SEP] last, of 2 to 24 tokens where no lengths are given.
 * @param rules [layers][heads] The rules of each head, over `TOKEN_TAGS`; the paper's for all by default.
 */
export function randomBatch(
  config: ModelConfig,
  strategy: Strategy,
  seed: number,
  givenLengths?: number[],
  rules?: readonly (readonly RuleSet[])[],
): BatchCase {
  const random = generator(seed);
  const lengths =
    givenLengths ?? Array.from({ length: randomInteger(random, 3, 5) }, () => randomInteger(random, 2, 24));
  const sentences = lengths.map((length) => ({
    ids: Uint32Array.from({ length }, () => randomInteger(random, 1, config.vocabulary - 1)),
    tags: Uint8Array.from({ length }, (_, i) => {
      if (i === 0) return TOKEN_TAGS.indexOf('[CLS]');
      if (i === length - 1) return TOKEN_TAGS.indexOf('[SEP]');
      return randomInteger(random, 0, UNIVERSAL_TAGS.length - 1);
    }),
    sentences: Uint32Array.from({ length }, (_, i) => (i === 0 || i === length - 1 ? NO_SENTENCE : 0)),
  }));
  // Two tokens of each sentence are masked, or one.
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
  const isMlm = config.task === 'mlm';
  const outputs = isMlm
    ? starts.flatMap((start, i) => [...new Set([start + lengths[i] - 1, start + (lengths[i] >> 1)])])
    : undefined;
  const classes = config.task === 'mlm' ? config.vocabulary : config.classes;
  const labels = (outputs ?? lengths).map(() => randomInteger(random, 0, classes - 1));
  const tags = sentences.flatMap((sentence) => Array.from(sentence.tags));
  const sentenceOfToken = sentences.flatMap((sentence) => [...sentence.sentences]);
  const tables = rules
    ? rules.flat().map((each) => pairTable(each, strategy))
    : pairTable(PAPER_RULES, strategy);
  const input = {
    tags: Uint8Array.from(tags),
    lengths,
    tables,
    layers: rules?.length,
    sentences: sentenceOfToken,
  };
  const layout = strategy === 'none' ? denseLayout(lengths, WIDE_TILE) : sparseLayout(input, WIDE_TILE);
  const names = tags.map((tag) => TOKEN_TAGS[tag]);
  // Learned biases are among the weights.
  const biases = (rules ?? [[PAPER_RULES]]).map((layer) =>
    layer.map((each) =>
      referenceTokenBias(each, strategy, names, { sentences: sentenceOfToken, learned: () => 0 }),
    ),
  );
  return {
    batch: makeBatch(sentences, layout, labels, outputs),
    reference: {
      sentences: sentences.map(({ ids }) => ids),
      labels,
      outputs,
      bias: (query, key, layer, head) => (rules ? biases[layer][head](query, key) : biases[0][0](query, key)),
      tags,
    },
  };
}

/** The sites of dropout in the order in which the engine numbers them (src/nn/pass.ts). */
const SITES = ['embeddings', 'attention', 'attention output', 'feed-forward output', 'pooled'];

/** The masks of a training step. */
export function factorsOf(config: ModelConfig, { seed, step }: TrainingStep): Factors {
  const mask = (site: string, layer: number, probability: number) => {
    return { probability, stream: streamOf(seed, step, layer, SITES.indexOf(site)) };
  };
  return {
    hidden: (site, layer, row, channel) =>
      hiddenFactor(
        mask(
          site,
          layer,
          site === 'pooled' ? (config.headDropout ?? config.hiddenDropout) : config.hiddenDropout,
        ),
        row,
        channel,
      ),
    attention: (layer, head, query, key) =>
      attentionFactor(mask('attention', layer, config.attentionDropout), head, query, key),
  };
}
