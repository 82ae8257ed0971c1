import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The project whose files share processes. A process ends with the first other file, so they must be consecutive. */
export const TOGETHER = 'together';

/**
 * The order of the files that take longest, measured on two cores with the embedded driver: a fresh clone has no times. Each of two
 * processes takes the next file when it is done with one, and compiles the kernels that it has not compiled yet. In this order one of
 * them mostly has the kernels for subgroups, with models, trainings and benchmarks; the other one has commands, browsers, the kernels for
 * GPUs and tests without a GPU. The short files fill the gaps in the end.
 */
const IN_TURN = [
  'attention/subgroup',
  'cli/process',
  'architecture',
  'browser-entry',
  'attention/wide',
  'cli/bench',
  'nn/classifier',
  'playground/playground',
  'bench/gate',
  'nn/explaining',
  'readme',
  'bench/counted-pairs',
  'cli/resume',
  'train/best-weights',
  'train/training-run',
  'cli/interruption',
  'train/evaluation',
  'train/experiment/queue',
  'nn/linear.',
  'nn/training',
  'cli/doctor',
  'bench/peers',
  'cli/documented-commands',
  'nn/sparsity-penalty',
  'data/parquet',
  'grammar/hugging-face',
  'bench/trace',
  'reference/bert',
  'cli/experiment',
  'train/experiment/run-grid',
  'plan/plan-words',
  'plan/predicate-pairs',
  'attention/abreast',
  'snippets',
  'report/explain-page',
  'nn/head-rules',
  'base/json-scan',
  'nn/several-buffers',
  'grammar/long-texts',
  'train/rate-sweep',
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
