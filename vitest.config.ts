import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import LongestFirst, { TOGETHER } from './test/support/longest-first.js';

/**
 * Files that count drivers, lose devices or watch the memory of the process. The others leave nothing behind: they share two processes,
 * each with kernels that are compiled once.
 */
const ALONE = ['test/gpu/{device,driver-warnings,instances,polling}.test.ts', 'test/fuzz/*.test.ts'];

const IN_TERMINAL = Boolean(process.stdout.isTTY) && !process.env.CI;

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/**
 * Loads the built modules in place of src/ and bench/: Node runs them as they are, which takes a tenth of the suite's time less. Only where
 * scripts/test.mjs has just built them; any other start of vitest has the sources.
 */
const BUILT_MODULES: Plugin = {
  name: 'built-modules',
  enforce: 'pre',
  resolveId(source, importer) {
    if (!process.env.PARSIMONY_TEST_BUILT || !importer || !/^\.{1,2}\/.*\.js$/.test(source)) return null;
    const path = relative(ROOT, resolve(dirname(importer), source)).replaceAll('\\', '/');
    return /^(src|bench)\//.test(path) ? { id: resolve(ROOT, 'dist', path), external: true } : null;
  },
};

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
        plugins: [BUILT_MODULES],
        test: {
          name: TOGETHER,
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          isolate: false,
          server: { deps: { external: [/\/dist\/(src|bench)\//] } },
        },
      },
      { extends: true, test: { name: 'apart', include: ALONE } },
    ],
  },
});
