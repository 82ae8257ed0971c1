// Reads damaged files with every reader: `npm run fuzz -- --help` says how. The code is TypeScript, which Vite loads.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const { module } = await runnerImport(fileURLToPath(new URL('../test/fuzz/main.ts', import.meta.url)), {
  root,
  configFile: false,
  logLevel: 'error',
});
process.exit(await module.main(process.argv.slice(2), fileURLToPath(import.meta.url)));
