import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The project whose files share processes. A process ends with the first other file, so they must be consecutive. */
export const TOGETHER = 'together';

/**
 * The order of the files that take longest, as they start on two cores with the embedded driver: a fresh clone has no times. Each of
 * two processes takes the next file when it is done with one, and compiles the kernels that it has not compiled yet. So one process
 * should have the kernels for subgroups, and the other those for GPUs, commands and browsers. The short files fill the gaps in the end.
 */
const IN_TURN = [
  'attention/subgroup',
  'attention/wide',
  'nn/classifier',
  'cli/process',
  'train/training-run',
  'cli/bench',
  'architecture',
  'bench/gate',
  'browser-entry',
  'train/best-weights',
  'train/run-folder',
  'train/mlm',
  'cli/resume',
  'train/evaluation',
  'train/head-rules',
  'train/custom-tags-model',
  'cli/explain',
  'bench/counted-pairs',
  'cli/interruption',
  'attention/abreast',
  'bench/wrong-kernels',
  'nn/training',
  'playground/playground',
  'fuzz/quick',
  'nn/',
  'readme',
  'bench/',
  'cli/',
  'train/',
];

function place({ project, moduleId }: TestSpecification): number {
  if (project.name !== TOGETHER) return IN_TURN.length + 1;
  const name = moduleId.replace(/^.*\/test\//, '');
  const found = IN_TURN.findIndex((start) => name.startsWith(start));
  return found < 0 ? IN_TURN.length : found;
}

/** Starts the longest files first, so that two processes end at about the same time. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
