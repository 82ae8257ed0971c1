// Runs the tests; what follows the command goes to vitest. With --conformance, every property test takes ten times as many cases,
// on the adapter that PARSIMONY_ADAPTER names or, without it, on the best one there is. A usual run leaves out tests that
// cost more than they find: further combinations of kinds of attention (`MORE_KINDS` in test/attention/random-case.ts), a third of the
// cases of each kind and two thirds of those of the kernels for GPUs, texts of 513 tokens, most cases of panels abreast and of kernels
// with few registers, most shapes of linear layers, most damaged bytes of Parquet files, most changes of JSON, and all kills of a run
// except one.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const conformance = process.argv.includes('--conformance');
const args = process.argv.slice(2).filter((argument) => argument !== '--conformance');
ensureBuilt();
const env = { ...process.env, PARSIMONY_TEST_BUILT: '1' };
if (conformance) {
  env.PARSIMONY_ADAPTER ??= 'auto';
  env.PARSIMONY_CASES ??= '5';
}
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', ...args], {
  cwd: root,
  env,
  stdio: 'inherit',
});
process.exit(status ?? 1);
