// The public face in Node: that in a browser, with what needs folders on a disk, and pages for files.
export * from './browser.js';
export type { DataSource, Split } from './data/dataset.js';
export { type DataOptions, dataSource } from './data/sources.js';
export { explainPage, type PageModel } from './report/explain/explain-page.js';
export type {
  Cell,
  Comparison,
  Experiment,
  Settings as ExperimentSettings,
  SettingValue,
} from './train/experiment/experiment.js';
export type { Shard } from './train/experiment/grid-cells.js';
export { parseExperiment } from './train/experiment/parse-experiment.js';
export {
  type ConditionRow,
  type ExperimentTable,
  experimentTables,
  type RowFilter,
} from './train/experiment/result-table.js';
export type { CellResult, MarkedEvaluation, TestEvaluation } from './train/experiment/results.js';
export type { CellOptions } from './train/experiment/run-cell.js';
export { type ExperimentOptions, runExperiment } from './train/experiment/run-experiment.js';
export type { GridOptions } from './train/experiment/run-grid.js';
export type { Estimate } from './train/experiment/seed-statistics.js';
export type { StepsOverSeeds } from './train/experiment/steps-to-threshold.js';
export type { ComparisonRow, Measured } from './train/experiment/verdict.js';
export type { EvaluationResult } from './train/metrics-log.js';
export { type OnNote, type PreparedRun, prepareRun } from './train/prepare-run.js';
export type { RunData } from './train/run-record.js';
export type { RunSettings } from './train/settings.js';
export { withTensorBoard } from './train/tensorboard.js';
export {
  runTraining,
  type TrainingOutcome,
  type TrainingRun,
  type TrainingRunHooks,
} from './train/training-run.js';
