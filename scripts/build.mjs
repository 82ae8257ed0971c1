// Builds dist/ from src/, bench/ and kernels/. npm runs it as "prepare": after `npm ci`, and before `npm pack`.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { embedKernels, writeBrowserKernels, writeKernels } from './embed-kernels.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

if (!existsSync(compiler)) {
  // `npm pack` on a fresh clone: installing runs this script again, with the compiler in place.
  const { installPackages } = await import('./install.mjs');
  installPackages();
  process.exit(0);
}

const kernels = embedKernels();
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);

// From TypeScript 6 on, the DOM's types contain WebGPU's, and those of @webgpu/types would be declared twice.
for (const entry of ['src/browser', 'src/index', 'bench/harness']) {
  const types = readFileSync(new URL(`../dist/${entry}.d.ts`, import.meta.url), 'utf8')
    .replace(/\/\/\/ <reference types="@webgpu\/types".*\n/, '')
    .replace("'./browser.js'", "'./browser.lib-dom.js'");
  writeFileSync(new URL(`../dist/${entry}.lib-dom.d.ts`, import.meta.url), types);
}

// Where tsc names a type through an entry, it would bring those of @webgpu/types with it.
const dist = fileURLToPath(new URL('../dist', import.meta.url));
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.d.ts')) continue;
  const types = readFileSync(join(dist, file), 'utf8');
  const named = types.replaceAll(
    /(import\("(?:\.\.\/)+(?:src\/)?)(browser|index)\.js"\)/g,
    '$1$2.lib-dom.js")',
  );
  if (named !== types) writeFileSync(join(dist, file), named);
}

const script = 'bench/peers/torch_attention.py';
copyFileSync(new URL(`../${script}`, import.meta.url), new URL(`../dist/${script}`, import.meta.url));
writeKernels(kernels, new URL('../dist/kernels/', import.meta.url));
writeBrowserKernels(kernels, new URL('../dist/src/gpu/kernel-sources-in-browser.js', import.meta.url));

// Once npx has cached its link to the command, a rebuilt file without the executable bit is refused.
chmodSync(new URL('../dist/src/cli/main.js', import.meta.url), 0o755);
