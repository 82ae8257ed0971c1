import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The project whose files share processes. A process ends with the first other file, so they must be consecutive. */
export const TOGETHER = 'together';

/**
 * The order of the files that take longest, on two cores with the embedded driver: a fresh clone has no times. Each of two processes takes
 * the next file when it is done with one, and compiles the kernels that it has not compiled yet, which is half of the work. The order was
 * found by search: a simulation of two processes, with each file's measured time and kernels, and 12 % of noise, ends 6 % earlier than in
 * the order of the times. The short files fill the gaps in the end.
 */
const IN_TURN = [
  'data/download.',
  'nn/attention-mass.',
  'train/hugging-face/folder.',
  'train/best-weights.',
  'nn/classifier.',
  'kernels/compiler-messages.',
  'attention/kernel-choices.',
  'train/evaluation.',
  'base/json-scan.',
  'attention/subgroup.',
  'playground/serve.',
  'plan/predicate-pairs.',
  'nn/activations.',
  'train/hugging-face/torch-file.',
  'nn/linear.',
  'nn/head-rules.',
  'attention/abreast.',
  'nn/training.',
  'nn/explaining.',
  'cli/documented-commands.',
  'train/trainer.',
  'snippets.',
  'attention/wide.',
  'cli/doctor.',
  'plan/size.',
  'train/head-rules.',
  'train/run-folder.',
  'train/custom-tags-model.',
  'train/not-finite.',
  'cli/experiment.',
  'train/run-lock.',
  'cli/flags.',
  'gpu/bind-groups.',
  'train/experiment/run-grid.',
  'bench/tuner.',
  'train/training-run.',
  'browser-entry.',
  'cli/refused-input.',
  'grammar/tags-alone.',
  'train/model-folder.',
  'nn/folded-grids.',
  'bench/wrong-kernels.',
  'grammar/tagged-tokenizer.',
  'cli/rules.',
  'cli/bench.',
  'plan/plan-words.',
  'grammar/tagger.',
  'cli/broken-model.',
  'grammar/long-texts.',
  'cli/resume.',
  'cli/process.',
  'train/experiment/queue.',
  'report/explain-page.',
  'grammar/vocabulary.',
  'reference/bert.',
  'nn/updated-parts.',
  'bench/trace.',
  'cli/evaluate-predict.',
  'nn/layer-norm.',
  'train/rate-sweep.',
  'nn/accumulation.',
  'bench/peers.',
  'cli/tune.',
  'plan/tiles.',
  'playground/playground.',
  'bench/counted-pairs.',
  'cli/report.',
  'cli/explain.',
  'train/experiment/verdict.',
  'nn/sparsity-penalty.',
  'cli/results-page.',
  'plan/mask.',
  'playground/measurement-view.',
  'bench/machine-fit.',
  'nn/several-buffers.',
  'cli/data-files.',
  'cli/init.',
  'bench/page.',
  'data/grampair.',
  'architecture.',
  'train/arguments.',
  'data/parquet.',
  'grammar/hugging-face.',
  'nn/adamw.',
  'bench/gate.',
  'train/mlm.',
  'cli/train.',
  'train/dropped-submits.',
  'readme.',
  'cli/interruption.',
];

function rank({ project, moduleId }: TestSpecification): number {
  // Last: each takes a process. The longest of them first, so that the others run beside it.
  if (project.name !== TOGETHER) return IN_TURN.length + (moduleId.endsWith('fuzz/quick.test.ts') ? 1 : 2);
  const name = moduleId.replace(/^.*\/test\//, '');
  const found = IN_TURN.findIndex((start) => name.startsWith(start));
  return found < 0 ? IN_TURN.length : found;
}

/** Starts the files that take longest first, so that two processes end at about the same time. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
