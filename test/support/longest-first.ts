import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The project whose files share a process. It ends with the first other file, so they must stand one behind the other. */
export const TOGETHER = 'together';

/**
 * The files that take longest, in this order, measured on two cores with the embedded driver. A fresh clone knows no times, and
 * one of them begun last would leave the other core idle. Those that share a process come at its place.
 */
const LONGEST = [
  'attention/subgroup',
  'attention/wide',
  'attention/lone-rows',
  'playground/playground',
  TOGETHER,
  'browser-entry',
];

/** The same among those that share a process. */
const LONGEST_TOGETHER = [
  'cli/resume',
  'nn/classifier',
  'bench/gate',
  'cli/report',
  'cli/bench',
  'bench/counted-pairs',
];

function placeAmong(names: readonly string[], { moduleId }: TestSpecification): number {
  const found = names.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return found < 0 ? names.length : found;
}

function place(file: TestSpecification): number {
  return file.project.name === TOGETHER ? LONGEST.indexOf(TOGETHER) : placeAmong(LONGEST, file);
}

/** Starts the longest files first, so that two processes end at about the same time. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort(
      (a, b) => place(a) - place(b) || placeAmong(LONGEST_TOGETHER, a) - placeAmong(LONGEST_TOGETHER, b),
    );
  }
}
