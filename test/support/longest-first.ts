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
 * The same among files that share a process: first those that compile the kernels for subgroups, which take longest, while the other
 * core still runs the first file; then those with the other kernels. From then on, two processes compile these.
 */
const IN_TURN = [
  /\/test\/cli\/(tune|interruption|resume)\./,
  /\/test\/(cli|train|readme)\b|\/(tuner|wrong-kernels)\.test/,
  /\/test\/(attention\/(wide|abreast)|nn\/(classifier|training)|bench\/(gate|counted-pairs|trace))\./,
  /\/test\/(attention|bench|data|nn|reference)\//,
];

function placeAmong(names: readonly string[], { moduleId }: TestSpecification): number {
  const found = names.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return found < 0 ? names.length : found;
}

function place(file: TestSpecification): number {
  return file.project.name === TOGETHER ? LONGEST.indexOf(TOGETHER) : placeAmong(LONGEST, file);
}

function placeTogether({ moduleId }: TestSpecification): number {
  const found = IN_TURN.findIndex((files) => files.test(moduleId));
  return found < 0 ? IN_TURN.length : found;
}

/** Starts the longest files first, so that two processes end at about the same time. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => place(a) - place(b) || placeTogether(a) - placeTogether(b));
  }
}
