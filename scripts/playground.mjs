// Builds the playground, a static site that any web server can serve, and serves it here. `--build` only builds it;
// `--model DIR` builds it around another model.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { convertModel, installModel, trainModel } from './playground-model.mjs';
import { serve } from './serve.mjs';

const PORT = 4173;

const root = fileURLToPath(new URL('..', import.meta.url));
const site = join(root, 'playground/dist');

function refuse(message) {
  console.error(message);
  process.exit(2);
}

function flagsOf() {
  try {
    return parseArgs({ options: { build: { type: 'boolean' }, model: { type: 'string' } } }).values;
  } catch (error) {
    return refuse(`${error.message} Usage: npm run playground -- [--build] [--model DIR]`);
  }
}

/** Whether a run's record says that it learned from the generated sentences. */
function isOfGenerated(folder) {
  const record = join(folder, 'training.json');
  return existsSync(record) && JSON.parse(readFileSync(record, 'utf8')).notes?.data?.data === 'embedded';
}

const { build: onlyBuild, model } = flagsOf();
if (model && !existsSync(join(model, 'config.json'))) {
  refuse(
    `${model}: there is no config.json; expected a model's folder, as \`parsimony train --out\` writes it`,
  );
}

const { build } = await import('vite');
await build({ configFile: join(root, 'playground/vite.config.ts'), logLevel: 'warn' });

try {
  if (model) {
    const converted = mkdtempSync(join(tmpdir(), 'parsimony-playground-'));
    await convertModel(resolve(model), converted);
    installModel(
      converted,
      site,
      `The model is that of the folder "${basename(resolve(model))}".`,
      isOfGenerated(model),
    );
    rmSync(converted, { recursive: true });
  } else {
    const trained = join(root, 'playground/model');
    installModel(trained, site, await trainModel(trained), true);
  }
} catch (error) {
  if (error.exitCode === undefined) throw error;
  console.error(error.message);
  process.exit(error.exitCode);
}

console.error(`The playground is in ${relative(process.cwd(), site) || '.'}: any web server can serve it.`);
// A device of Dawn's keeps the process alive, so a build ends it here.
if (onlyBuild) process.exit(0);
const { address } = await serve(site, PORT);
console.log(`Open ${address} in a browser with WebGPU. Ctrl+C ends it.`);
