import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The project whose files share processes. A process ends with the first other file, so they must be consecutive. */
export const TOGETHER = 'together';

/**
 * The order of the files that take longest, measured on two cores with the embedded driver: a fresh clone has no times. Each of two
 * processes takes the next file when it is done with one, and compiles the kernels that it has not compiled yet. So the kernels for
 * subgroups should stay in one of them: while it runs a long file, the other one runs commands, browsers and kernels for GPUs; and
 * while that one runs a long file, the first one trains and measures. The short files fill the gaps in the end.
 */
const IN_TURN = [
  'attention/subgroup',
  'cli/process',
  'architecture',
  'browser-entry',
  'attention/wide',
  'cli/bench',
  'playground/playground',
  'nn/classifier',
  'nn/training',
  'nn/linear.',
  'train/training-run',
  'nn/head-rules',
  'bench/gate',
  'nn/several-buffers',
  'train/best-weights',
  'nn/sparsity-penalty',
  'train/run-folder',
  'nn/',
  'train/evaluation',
  'train/mlm',
  'train/head-rules',
  'train/custom-tags-model',
  'cli/explain',
  'cli/resume',
  'attention/abreast',
  'cli/interruption',
  'readme',
  'bench/',
  'cli/',
  'train/',
];

function place({ project, moduleId }: TestSpecification): number {
  // Last: each takes a process. The longest of them first, so that the others run beside it.
  if (project.name !== TOGETHER) return IN_TURN.length + (moduleId.endsWith('fuzz/quick.test.ts') ? 1 : 2);
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
