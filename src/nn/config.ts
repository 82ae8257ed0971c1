import { CallerError } from '../gpu/errors.js';
import { MOST_TAGS } from '../grammar/rules.js';
import type { ModelFamily } from './tensor-names.js';

/** The shape of a BERT or DistilBERT classifier; names in `config.json` are Hugging Face's (src/train/hugging-face/config.ts). */
export interface ModelConfig {
  /**
   * `distilbert` has no token types and no dropout of what attention gives, and a ReLU where `bert` has a tanh between [CLS]
   * and the classifier.
   */
  family: ModelFamily;
  vocabulary: number;
  hidden: number;
  layers: number;
  heads: number;
  feedForward: number;
  /** Position embeddings: the longest sequence that the model reads. */
  positions: number;
  /** Type embeddings, 0 where the family has none; this engine reads single sentences, all of type 0. */
  types: number;
  normEpsilon: number;
  hiddenDropout: number;
  attentionDropout: number;
  /** In front of the classifier; `hiddenDropout` where left out. */
  headDropout?: number;
  /** Standard deviation of the initial weights. */
  initialDeviation: number;
  classes: number;
  /** Tags of the bias tables that strategy `learned` trains, one for each layer and head; 0 where there are none. */
  biasTags: number;
}

/** The shape of `prajjwal1/bert-tiny`, with BERT's defaults. */
export const BERT_TINY: ModelConfig = {
  family: 'bert',
  vocabulary: 30_522,
  hidden: 128,
  layers: 2,
  heads: 2,
  feedForward: 512,
  positions: 512,
  types: 2,
  normEpsilon: 1e-12,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  initialDeviation: 0.02,
  classes: 2,
  biasTags: 0,
};

/** A shape that two cores train within a minute without a GPU, as the demo and the playground do. */
export const SMALL_SHAPE = {
  hidden: 32,
  heads: 2,
  layers: 2,
  feedForward: 64,
  hiddenDropout: 0,
  attentionDropout: 0,
  // BERT's 0.02 is made for wider layers.
  initialDeviation: 0.1,
};

export function headDimOf(config: ModelConfig): number {
  return config.hidden / config.heads;
}

/** The number of output columns of the classifier: linear layers have a multiple of four, and the rest are never read. */
export function paddedClasses(config: ModelConfig): number {
  return Math.ceil(config.classes / 4) * 4;
}

/** @throws CallerError where the kernels cannot run a model of this shape. */
export function checkConfig(config: ModelConfig, where = 'model configuration'): void {
  const fail = (what: string, expected: string) => {
    throw new CallerError({ what, where, expected });
  };
  for (const name of [
    'vocabulary',
    'hidden',
    'layers',
    'heads',
    'feedForward',
    'positions',
    'classes',
  ] as const) {
    const value = config[name];
    if (!Number.isInteger(value) || value < 1) fail(`${name} is ${value}`, 'a positive integer');
  }
  const typed = config.family === 'bert';
  if (!Number.isInteger(config.types) || (typed ? config.types < 1 : config.types !== 0)) {
    fail(`types is ${config.types}`, typed ? 'a positive integer' : `0, as ${config.family} has none`);
  }
  const headDim = headDimOf(config);
  if (headDim % 4 !== 0 || headDim < 16 || headDim > 128) {
    fail(
      `hidden size ${config.hidden} over ${config.heads} heads`,
      'a head dimension from 16 to 128, a multiple of 4',
    );
  }
  if (!Number.isInteger(config.biasTags) || config.biasTags < 0 || config.biasTags > MOST_TAGS) {
    fail(`biases for ${config.biasTags} tags`, `0 to ${MOST_TAGS}`);
  }
  if (config.feedForward % 4 !== 0) fail(`feed-forward size ${config.feedForward}`, 'a multiple of 4');
  if (config.classes < 2) fail(`${config.classes} class`, 'at least two');
  if (!(config.normEpsilon >= 0)) fail(`normEpsilon is ${config.normEpsilon}`, 'a number of 0 or more');
  for (const name of ['hiddenDropout', 'attentionDropout', 'headDropout'] as const) {
    const value = config[name] ?? config.hiddenDropout;
    if (!(value >= 0 && value < 1)) fail(`${name} is ${value}`, 'a probability below 1');
  }
}
