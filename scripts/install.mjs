// Makes a clone ready to run: installs the packages and builds dist/ where either is missing or out of date.
// `npm start` and `npm test` call it first, so each works as the first command typed in a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs `npm ci` in the clone, development and optional packages included; npm then runs scripts/build.mjs. */
export function installPackages() {
  console.error('Installing packages (once per clone)…');
  const npm = process.env.npm_execpath;
  const [command, ...prefix] = npm ? [process.execPath, npm] : ['npm'];
  const result = spawnSync(
    command,
    [...prefix, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: !npm && process.platform === 'win32',
    },
  );
  if (result.status !== 0) {
    console.error(
      'npm ci failed; its messages are above. A network connection to an npm registry is needed once.',
    );
    process.exit(1);
  }
}

function newestChange(path) {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((entry) => newestChange(join(path, entry))));
}

function ensureInstalled() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node 20.19 or newer is needed; this is ${process.versions.node}.`);
    process.exit(2);
  }
  const installed = newestChange(join(root, 'node_modules/.package-lock.json'));
  if (installed < newestChange(join(root, 'package-lock.json'))) installPackages();

  ensureBuilt();
}

/** Builds dist/ where a source has changed since. */
export function ensureBuilt() {
  const sources = ['src', 'bench', 'kernels', 'tsconfig.build.json'].map((path) =>
    newestChange(join(root, path)),
  );
  if (newestChange(join(root, 'dist/src/cli/main.js')) < Math.max(...sources)) {
    const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {
      cwd: root,
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) ensureInstalled();
