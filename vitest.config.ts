import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The embedded driver is set up through the environment of the main thread, which a worker thread does not have.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    globalSetup: 'test/support/global-setup.ts',
    reporters: ['default', './test/support/totals-reporter.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
