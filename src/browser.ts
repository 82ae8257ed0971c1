// The public face in a browser: package.json names it under the condition "browser", and in its "browser" field the few
// modules that are others there.
/// <reference types="@webgpu/types" preserve="true" />
export { type AttendGradients, type AttendOptions, type AttendResult, attend } from './attention/attend.js';
export {
  Attention,
  type AttentionOptions as ShapeOptions,
  type MaskedTokens,
} from './attention/attention.js';
export type { KernelChoices } from './attention/kernel-choices.js';
export type { BackwardBuffers, ForwardBuffers } from './attention/record.js';
export { CallerError, EngineError, type ErrorParts, ParsimonyError } from './base/errors.js';
export type { Precision } from './base/precision.js';
export type { Example } from './data/dataset.js';
export type { AdapterChoice, AdapterDescription, AdapterKind } from './gpu/adapter.js';
export type { Tensor } from './gpu/buffers.js';
export { downloadFloats, uploadFloats } from './gpu/caller-buffers.js';
export type { Device, DeviceOptions, DispatchClock, KernelTime } from './gpu/device.js';
export { openDevice } from './gpu/open-device.js';
export type { BufferSlice } from './gpu/pipelines.js';
export type { SubgroupMatrices } from './gpu/subgroup-matrices.js';
export { bertVocabulary } from './grammar/bert-vocabulary.js';
export { type TaggedWord, type Text, wordsWithTags } from './grammar/custom-tags.js';
export type { HeadRules, ModelRules, RulePairs } from './grammar/head-rules.js';
export type { PairScopes, PairTable } from './grammar/pair-table.js';
export { PAPER_RULES, PRESET_NAMES, presetRules } from './grammar/presets.js';
export type { RuleSet, Strategy, Tag, TagPair } from './grammar/rules.js';
export { formatRules, parseModelRules, parseRules } from './grammar/rules-file.js';
export { NO_SENTENCE, type Reach, type Scope } from './grammar/scope.js';
export type { SpecialToken } from './grammar/special-tokens.js';
export type { SeededTagNoise, TagNoise } from './grammar/tag-noise.js';
export {
  type TaggedToken,
  TaggedTokenizer,
  type TaggedTokens,
  type TokenizerOptions,
} from './grammar/tagged-tokenizer.js';
export { SPECIAL_TAGS, TOKEN_TAGS, UNIVERSAL_TAGS } from './grammar/tags.js';
export {
  type Normalisation,
  parseVocabulary,
  Vocabulary,
  type VocabularyOptions,
} from './grammar/vocabulary.js';
export type { Token } from './grammar/word-piece.js';
export { BERT_TINY, type ModelConfig } from './nn/model-config.js';
export type { TensorValues, TrainingState } from './nn/parameters.js';
export type { ModelFamily } from './nn/tensor-names.js';
export type { LabelBits } from './plan/label-bits.js';
export type { HeadLayout, Layout, SparseInput } from './plan/layout.js';
export type { Machine, StepTime, StepTimes } from './plan/machine.js';
export {
  AttentionMask,
  type RuleMask,
  type RuleMaskChanges,
  type RuleMaskOptions,
} from './plan/mask.js';
export type { MaskPicture, PictureOptions } from './plan/mask-picture.js';
export type { MaskTerm } from './plan/mask-term.js';
export type { MaskTokens } from './plan/mask-tokens.js';
export type { PairCounts } from './plan/pair-counts.js';
export type { PairPredicate } from './plan/predicate-pairs.js';
export type { ColumnRange } from './plan/ranges.js';
export {
  type DecidingPair,
  type PairReach,
  type Prediction as ReachPrediction,
  predictReach,
} from './plan/reach.js';
export type { Sequence, TagRun } from './plan/tag-runs.js';
export type { Tile, TileChooser, TileConfig } from './plan/tiles.js';
export {
  type ExplainedRun,
  type ExplainedTile,
  type ExplainedToken,
  type ExplainedWord,
  type ExplainOptions,
  type Explanation,
  explainText,
  type PairView,
} from './report/explain/explanation.js';
export type { DevScores } from './train/best.js';
export type { Evaluation, TagLoss } from './train/evaluation.js';
export type { ClassScores } from './train/metrics.js';
export type { BuildOptions, ModelDescription } from './train/model-description.js';
export type { Total, TrainingPosition } from './train/position.js';
export type { PrunedRules } from './train/prune.js';
export type { RateSweep } from './train/rate-sweep.js';
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
