import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The project whose files share a process. The process ends with the first other file, so they must be consecutive. */
export const TOGETHER = 'together';

/**
 * The files that take longest, in this order, measured on two cores with the embedded driver. A fresh clone has no times, and
 * a long file that starts last would leave the other core idle. Files that share a process come second: one core runs them while
 * the other core runs the first file. Those that the other core then takes run in a separate process, and compile few kernels.
 */
const LONGEST = [
  'attention/subgroup',
  TOGETHER,
  'playground/playground',
  'browser-entry',
  'cli/process',
  'architecture',
];

/**
 * The same among files that share a process: first those whose kernels other files need, too, then those whose kernels no other
 * file needs, or that wait for other processes.
 */
const LONGEST_TOGETHER = [
  'nn/classifier',
  'attention/wide',
  'cli/tune',
  'cli/init',
  'bench/gate',
  'bench/counted-pairs',
  'train/custom-tags-model',
  'train/training-run',
  'cli/explain',
  'nn/explaining',
  'train/trainer',
  'bench/tuner',
  'attention/global-tokens',
  'attention/abreast',
  'cli/resume',
  'cli/interruption',
  'cli/data-files',
  'bench/trace',
  'nn/training',
  'cli/bench',
];

/** Folders whose tests compile no kernels: the last of those that share a process. */
const WITHOUT_KERNELS = /\/test\/(grammar|plan|report)\//;

function placeAmong(names: readonly string[], { moduleId }: TestSpecification): number {
  const found = names.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return found < 0 ? names.length : found;
}

function place(file: TestSpecification): number {
  return file.project.name === TOGETHER ? LONGEST.indexOf(TOGETHER) : placeAmong(LONGEST, file);
}

function placeTogether(file: TestSpecification): number {
  return WITHOUT_KERNELS.test(file.moduleId)
    ? LONGEST_TOGETHER.length + 1
    : placeAmong(LONGEST_TOGETHER, file);
}

/** Starts the longest files first, so that two processes end at about the same time. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => place(a) - place(b) || placeTogether(a) - placeTogether(b));
  }
}
