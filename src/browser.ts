// The public face in a browser: package.json names it under the condition "browser", and in its "browser" field the few
// modules that are others there.
/// <reference types="@webgpu/types" preserve="true" />
export { type AttendOptions, type AttendResult, attend } from './attention/attend.js';
export {
  Attention,
  type AttentionOptions as ShapeOptions,
  type MaskedTokens,
} from './attention/attention.js';
export type { KernelChoices } from './attention/kernel-choices.js';
export type { BackwardBuffers, ForwardBuffers } from './attention/record.js';
export { CallerError, EngineError, ParsimonyError } from './base/errors.js';
export type { Example } from './data/dataset.js';
export type { AdapterDescription } from './gpu/adapter.js';
export type { Device, DeviceOptions } from './gpu/device.js';
export { openDevice } from './gpu/open-device.js';
export { bertVocabulary } from './grammar/bert-vocabulary.js';
export { type TaggedWord, type Text, wordsWithTags } from './grammar/custom-tags.js';
export type { HeadRules, ModelRules } from './grammar/head-rules.js';
export { PAPER_RULES, PRESET_NAMES, presetRules } from './grammar/presets.js';
export type { RuleSet, Strategy, Tag, TagPair } from './grammar/rules.js';
export { formatRules, parseModelRules, parseRules } from './grammar/rules-file.js';
export { NO_SENTENCE, type Scope } from './grammar/scope.js';
export {
  type TaggedToken,
  TaggedTokenizer,
  type TaggedTokens,
  type TokenizerOptions,
} from './grammar/tagged-tokenizer.js';
export { SPECIAL_TAGS, TOKEN_TAGS, UNIVERSAL_TAGS } from './grammar/tags.js';
export { parseVocabulary, Vocabulary } from './grammar/vocabulary.js';
export { BERT_TINY, type ModelConfig } from './nn/model-config.js';
export { AttentionMask, type RuleMask, type RuleMaskOptions } from './plan/mask.js';
export type { MaskPicture } from './plan/mask-picture.js';
export type { MaskTokens } from './plan/mask-tokens.js';
export type { PairCounts } from './plan/pair-counts.js';
export {
  type DecidingPair,
  type PairReach,
  type Prediction as ReachPrediction,
  predictReach,
} from './plan/reach.js';
export { type ExplainOptions, type Explanation, explainText } from './report/explain/explanation.js';
export type { Evaluation } from './train/evaluation.js';
export type { BuildOptions } from './train/model-description.js';
export type { PrunedRules } from './train/prune.js';
export { type ModelExplanation, type Prediction, SentenceClassifier } from './train/sentence-classifier.js';
export type { TrainingOptions } from './train/settings-schema.js';
export { type StartingPoint, type StartOptions, startFrom } from './train/starting-point.js';
export type {
  Checkpoint,
  EpochMetrics,
  EvaluationMetrics,
  Progress,
  TrainingHooks,
} from './train/trainer.js';
