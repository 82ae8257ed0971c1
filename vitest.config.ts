import { defineConfig } from 'vitest/config';
import LongestFirst, { TOGETHER } from './test/support/longest-first.js';

/**
 * Files that count drivers, lose devices or watch the memory of the process. The others leave nothing behind: they share two processes,
 * each with kernels that are compiled once.
 */
const ALONE = ['test/gpu/{device,driver-warnings,instances,polling}.test.ts', 'test/fuzz/*.test.ts'];

const IN_TERMINAL = Boolean(process.stdout.isTTY) && !process.env.CI;

export default defineConfig({
  test: {
    // Only what hangs is given up: a busy machine may take ten times as long as an idle one.
    // The embedded driver is set up through the environment of the main thread, which a worker thread does not have.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    globalSetup: 'test/support/global-setup.ts',
    reporters: [
      IN_TERMINAL ? 'default' : './test/support/progress-reporter.ts',
      './test/support/totals-reporter.ts',
    ],
    // Tensors of a hundred thousand numbers that differ would be compared line by line for minutes.
    diff: { truncateThreshold: 200 },
    testTimeout: 600_000,
    hookTimeout: 600_000,
    projects: [
      {
        extends: true,
        test: { name: TOGETHER, include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
      { extends: true, test: { name: 'apart', include: ALONE } },
    ],
  },
});
