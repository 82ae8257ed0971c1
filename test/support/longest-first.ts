import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The project whose files share a process. The process ends with the first other file, so they must be consecutive. */
export const TOGETHER = 'together';

/**
 * The files that take longest, in this order, measured on two cores with the embedded driver. A fresh clone has no times, and
 * a long file that starts last would leave the other core idle. Files that share a process come first, on both cores.
 */
const LONGEST = [TOGETHER, 'playground/playground', 'browser-entry', 'cli/process', 'architecture'];

/**
 * The same among files that share a process. One process begins with the longest, which compiles every kernel for subgroups. The
 * other one begins with files that train and measure: those that compile most kernels come first, so that few of these are
 * left when the first process joins.
 */
const IN_TURN = [
  /\/test\/attention\/subgroup\./,
  /\/test\/cli\/(tune|bench)\./,
  /\/test\/train\/(training-run|evaluation|best-weights|not-finite|custom-tags-model|head-rules|dropped-submits)\./,
  /\/test\/attention\/wide\./,
  /\/test\/cli\/(interruption|resume)\./,
  /\/test\/(cli|train|readme)\b|\/(tuner|wrong-kernels)\.test/,
  /\/test\/(attention\/abreast|nn\/(classifier|training)|bench\/(gate|counted-pairs|trace))\./,
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
