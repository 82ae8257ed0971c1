import { CallerError } from '../gpu/errors.js';
import { MOST_TAGS } from '../grammar/rules.js';

/** The shape of a BERT classifier; names in `config.json` are Hugging Face's (src/train/model-folder.ts). */
export interface ModelConfig {
  vocabulary: number;
  hidden: number;
  layers: number;
  heads: number;
  feedForward: number;
  /** Position embeddings: the longest sequence that the model reads. */
  positions: number;
  /** Type embeddings; this engine reads single sentences, all of type 0. */
  types: number;
  normEpsilon: number;
  hiddenDropout: number;
  attentionDropout: number;
  /** Standard deviation of the initial weights. */
  initialDeviation: number;
  classes: number;
  /** Tags of the bias tables that strategy `learned` trains, one for each layer and head; 0 where there are none. */
  biasTags: number;
}

/** The shape of `prajjwal1/bert-tiny`, with BERT's defaults. */
export const BERT_TINY: ModelConfig = {
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
    'types',
    'classes',
  ] as const) {
    const value = config[name];
    if (!Number.isInteger(value) || value < 1) fail(`${name} is ${value}`, 'a positive integer');
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
  for (const name of ['hiddenDropout', 'attentionDropout'] as const) {
    if (!(config[name] >= 0 && config[name] < 1)) fail(`${name} is ${config[name]}`, 'a probability below 1');
  }
}
