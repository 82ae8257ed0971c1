// The public face in Node: that in a browser, with what needs folders on a disk, and pages for files.
export * from './browser.js';
export type { DataSource, Split } from './data/dataset.js';
export { type DataOptions, dataSource } from './data/sources.js';
export { explainPage, type PageModel } from './report/explain/explain-page.js';
export type { Experiment } from './train/experiment/experiment.js';
export { parseExperiment } from './train/experiment/parse-experiment.js';
export { type ExperimentTable, experimentTables } from './train/experiment/result-table.js';
export type { CellResult } from './train/experiment/results.js';
export { type ExperimentOptions, runExperiment } from './train/experiment/run-experiment.js';
export { type PreparedRun, prepareRun } from './train/prepare-run.js';
export type { RunSettings } from './train/settings.js';
export { withTensorBoard } from './train/tensorboard.js';
export {
  runTraining,
  type TrainingOutcome,
  type TrainingRun,
  type TrainingRunHooks,
} from './train/training-run.js';
