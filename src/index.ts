// The public face in Node: that in a browser, with what needs folders on a disk, and pages for files.
export * from './browser.js';
export type { DataSource, Split } from './data/dataset.js';
export { type DataOptions, dataSource } from './data/sources.js';
export { explainPage, type PageModel } from './report/explain/explain-page.js';
export {
  runTraining,
  type TrainingOutcome,
  type TrainingRun,
  type TrainingRunHooks,
} from './train/training-run.js';
