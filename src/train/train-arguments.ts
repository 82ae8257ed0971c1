import * as v from 'valibot';
import { kernels } from '../attention/attention-arguments.js';
import { checkArgument, number, objectWith, options } from '../base/argument-schemas.js';
import { oneOf } from '../base/json-schemas.js';
import { precision } from '../base/precision.js';
import { vocabulary } from '../grammar/grammar-arguments.js';
import type { TaggedTokenizer } from '../grammar/tagged-tokenizer.js';
import { TASKS } from '../nn/model-config.js';
import { RuleMask } from '../plan/mask.js';
import { seed } from './settings.js';

/** A mask that a model's files can hold. */
export const ruleMask = v.instance(RuleMask, 'a mask from AttentionMask.fromRules');

const tagNoise = options({ how: v.unknown(), seed });

/** The settings that belong to a mask: as options of a model they would have no effect. */
const ofMask = v.optional(
  v.never('it in the mask: mask: AttentionMask.fromRules(rules, strategy, { beta })'),
);

/** Options of a model, new or from a checkpoint. Rules are checked where they are resolved. */
const MODEL = {
  rules: ofMask,
  strategy: ofMask,
  beta: ofMask,
  classes: v.optional(v.array(v.string('the name of a class'), 'a list of names')),
  mask: v.optional(ruleMask),
  task: v.optional(oneOf(TASKS)),
  tagEmbeddings: v.optional(v.boolean('true or false')),
  customTags: v.optional(v.boolean('true or false')),
  maxLength: v.optional(number),
  seed: v.optional(seed),
  kernels: v.optional(kernels),
  precision: v.optional(precision),
  tagNoise: v.optional(tagNoise),
};

/** @throws CallerError where the value is not `BuildOptions`. */
export function checkBuildOptions(value: unknown): void {
  checkArgument(options({ ...MODEL, vocabulary, shape: v.optional(options({})) }), value, 'options');
}

/** @throws CallerError where the value is not `StartOptions`. */
export function checkStartOptions(value: unknown): void {
  const probability = v.optional(number);
  checkArgument(options({ ...MODEL, dropout: probability, attentionDropout: probability }), value, 'options');
}

const description = options({
  config: options({}),
  tokenizer: objectWith<TaggedTokenizer>('a TaggedTokenizer', 'encode', 'tokens'),
  classes: v.array(v.string('the name of a class'), 'a list of names'),
  mask: ruleMask,
});

/** @throws CallerError where the values are not a model description and weights by name. */
export function checkModel(described: unknown, weights: unknown): void {
  checkArgument(description, described, 'description');
  const values = v.instance(Float32Array, 'a Float32Array');
  checkArgument(v.map(v.string(), values, 'a Map of tensors by name'), weights, 'weights');
}

/** @throws CallerError where the values are not `TrainingHooks` and a checkpoint. */
export function checkContinuation(hooks: unknown, from: unknown): void {
  checkArgument(options({}), hooks, 'hooks');
  checkArgument(v.optional(options({ position: options({}), state: options({}) })), from, 'from');
}
