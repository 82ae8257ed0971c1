import type { KernelChoices } from '../attention/kernel-choices.js';
import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import { tokenTags } from '../grammar/custom-tags.js';
import { checkHeads } from '../grammar/head-rules.js';
import { TaggedTokenizer, type TokenizerOptions } from '../grammar/tagged-tokenizer.js';
import { checkConfig } from '../nn/model-checks.js';
import { BERT_TINY, type ModelConfig, type Task } from '../nn/model-config.js';
import { LONGEST_SEQUENCE } from '../plan/layout.js';
import { AttentionMask, type RuleMask } from '../plan/mask.js';
import { biasTags } from './planner.js';
import { checkBuildOptions } from './train-arguments.js';

/** What a new model is made of. */
export interface BuildOptions extends TokenizerOptions {
  /**
   * Tokens of a text, [CLS] and [SEP] included, after which it is cut; 128 by default. The model has this many positions
   * where its shape does not name another number, and 512 at least.
   */
  maxLength?: number;
  /** The values that differ from bert-tiny's. */
  shape?: Partial<Omit<ModelConfig, 'vocabulary' | 'classes' | 'biasTags'>>;
  /** What it is trained for; classes of texts by default. */
  task?: Task;
  /** Whether a learned embedding of each token's tag is added to the input: what tags say, without a mask. */
  tagEmbeddings?: boolean;
  /** Names of the classes, by label; `negative` and `positive` by default. */
  classes?: readonly string[];
  /** Which tokens attend to which; by default all to all, with the paper's rules for later use. */
  mask?: RuleMask;
  /** Draws the initial weights; 42 by default. */
  seed?: number;
  /** Variants of the kernels that were measured to be the fastest; by default, those that are expected to be the fastest. */
  kernels?: KernelChoices;
  /** The precision of the model's passes; f32 by default. */
  precision?: Precision;
}

/** A model without its weights. */
export interface ModelDescription {
  config: ModelConfig;
  tokenizer: TaggedTokenizer;
  /** Names of the classes, by label. */
  classes: readonly string[];
  /** Which tokens attend to which. */
  mask: RuleMask;
  /** Variants of the kernels that it was trained with, where they had been measured. */
  kernels?: KernelChoices;
}

/** @throws CallerError where a model has too few positions for texts of this length, in tokens. */
export function checkedMaxLength(maxLength: number, { positions }: ModelConfig, where?: string): number {
  if (Number.isInteger(maxLength) && maxLength >= 3 && maxLength <= positions) return maxLength;
  throw new CallerError({
    what: `sentences of up to ${describeValue(maxLength)} tokens`,
    where,
    expected: `3 to ${positions}, the model's positions`,
    remedy: 'choose another length, or a model with more positions',
  });
}

/**
 * What a new model will be, with defaults for what is left out.
 * @throws CallerError where the kernels or the rules do not fit its shape.
 */
export function describeModel(options: BuildOptions): ModelDescription {
  checkBuildOptions(options);
  const { mask = AttentionMask.fromRules('paper', 'none'), shape, kernels } = options;
  const { rules, strategy } = mask;
  const { task, maxLength = 128 } = options;
  const { classes = task === 'mlm' ? [] : ['negative', 'positive'] } = options;
  const tags = tokenTags(rules.tags, options.customTags);
  const config = {
    ...BERT_TINY,
    positions: Math.min(Math.max(BERT_TINY.positions, maxLength), LONGEST_SEQUENCE),
    ...shape,
    vocabulary: options.vocabulary.size,
    classes: classes.length,
    biasTags: biasTags(strategy, tags),
    task: task === 'classification' ? undefined : task,
    ...(options.tagEmbeddings && { tagEmbeddings: tags.length }),
  };
  checkConfig(config);
  checkHeads(rules, config);
  checkedMaxLength(maxLength, config);
  const tokenizer = new TaggedTokenizer({ ...options, maxLength }, rules.tags);
  return { config, tokenizer, classes, mask, kernels };
}
