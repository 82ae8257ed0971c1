import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { MOST_LAYERS } from '../grammar/head-rules.js';
import { MOST_TAGS } from '../grammar/rules.js';
import { headDimOf, type ModelConfig, TASKS } from './model-config.js';
import { inGigabytes, MOST_WEIGHT_BYTES, remedyFor, weightBytes } from './model-size.js';
import { MODEL_FAMILIES } from './tensor-names.js';

export const MOST_CLASSES = 65_536;

/** @throws CallerError where the kernels cannot run a model of this shape. */
export function checkConfig(config: ModelConfig, where = 'model configuration'): void {
  const fail = (what: string, expected: string, remedy?: string) => {
    throw new CallerError({ what, where, expected, remedy });
  };
  if (!MODEL_FAMILIES.includes(config.family))
    fail(`family is ${describeValue(config.family)}`, `one of: ${MODEL_FAMILIES.join(', ')}`);
  for (const name of [
    'vocabulary',
    'hidden',
    'layers',
    'heads',
    'feedForward',
    'positions',
    ...(config.task === 'mlm' ? [] : (['classes'] as const)),
  ] as const) {
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < 1)
      fail(`${name} is ${describeValue(value)}`, 'a positive integer');
  }
  const typed = config.family === 'bert';
  if (!Number.isSafeInteger(config.types) || (typed ? config.types < 1 : config.types !== 0)) {
    fail(
      `types is ${describeValue(config.types)}`,
      typed ? 'a positive integer' : `0, as ${config.family} has none`,
    );
  }
  const headDim = headDimOf(config);
  if (headDim % 4 !== 0 || headDim < 16 || headDim > 128) {
    fail(
      `hidden size ${config.hidden} over ${config.heads} heads`,
      'a head dimension from 16 to 128, a multiple of 4',
      'change the hidden size or the number of heads',
    );
  }
  if (!Number.isInteger(config.biasTags) || config.biasTags < 0 || config.biasTags > MOST_TAGS) {
    fail(`biases for ${describeValue(config.biasTags)} tags`, `0 to ${MOST_TAGS}`);
  }
  const { tagEmbeddings = 0 } = config;
  if (!Number.isInteger(tagEmbeddings) || tagEmbeddings < 0 || tagEmbeddings > MOST_TAGS) {
    fail(`embeddings of ${describeValue(tagEmbeddings)} tags`, `0 to ${MOST_TAGS}`);
  }
  if (config.feedForward % 4 !== 0) fail(`feed-forward size ${config.feedForward}`, 'a multiple of 4');
  if (config.task && !TASKS.includes(config.task))
    fail(`task is ${describeValue(config.task)}`, `one of: ${TASKS.join(', ')}`);
  if (config.classes < 2 && config.task !== 'mlm') fail(`${config.classes} class`, 'at least two');
  for (const name of ['normEpsilon', 'initializerRange'] as const) {
    const value = config[name];
    if (!(Number.isFinite(value) && value >= 0))
      fail(`${name} is ${describeValue(value)}`, 'a number of 0 or more');
  }
  for (const name of ['hiddenDropout', 'attentionDropout', 'headDropout'] as const) {
    const value = config[name] ?? config.hiddenDropout;
    if (!(typeof value === 'number' && value >= 0 && value < 1))
      fail(`${name} is ${describeValue(value)}`, 'a probability below 1');
  }
  if (config.layers > MOST_LAYERS)
    fail(`${config.layers} layers`, `at most ${MOST_LAYERS}`, 'use fewer layers');
  if (config.classes > MOST_CLASSES) fail(`${config.classes} classes`, `at most ${MOST_CLASSES}`);
  const bytes = weightBytes(config);
  if (bytes > MOST_WEIGHT_BYTES) {
    fail(
      `weights of ${inGigabytes(bytes)}`,
      `at most ${inGigabytes(MOST_WEIGHT_BYTES)}, the longest file of weights that is read`,
      remedyFor(config),
    );
  }
}
