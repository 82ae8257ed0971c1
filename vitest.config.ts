import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The embedded driver is set up through the environment of the main thread, which a worker thread does not have.
    pool: 'forks',
    maxWorkers: 2,
    // A process keeps its device from one file to the next, with all kernels that a software driver has compiled for it: compiling
    // them for each file anew took most of the time of all tests.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    globalSetup: 'test/support/global-setup.ts',
    reporters: ['default', './test/support/totals-reporter.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
