import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take longest, in this order, measured on two cores with the embedded driver. A fresh clone knows no times, and
 * one of them begun last would leave the other core idle.
 */
const LONGEST = [
  'attention/subgroup',
  'attention/workgroup',
  'attention/wide',
  'attention/lone-rows',
  'playground/playground',
  'nn/classifier',
  'bench/counted-pairs',
  'bench/gate',
  'cli/resume',
  'cli/process',
  'cli/bench',
  'nn/training',
  'train/head-rules',
  'train/training-run',
  'nn/accumulation',
];

function place({ moduleId }: TestSpecification): number {
  const found = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return found < 0 ? LONGEST.length : found;
}

/** Starts the longest files first, so that two processes end at about the same time. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
