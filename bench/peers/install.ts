import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { createFolder } from '../../src/data/files.js';
import { oneLine } from './peer.js';

/** The module through which a peer's process imports what was installed beside it. */
export const LOADER = 'load.mjs';

const LOADER_SOURCE = 'export const load = (name) => import(name);\n';

const LONGEST_INSTALL_MS = 10 * 60_000;

/** The folder of some packages in the user's cache, one for each set of versions. */
export function installedFolder(packages: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256').update(JSON.stringify(packages)).digest('hex').slice(0, 12);
  return join(envPaths('parsimony', { suffix: '' }).cache, `peer-${hash}`);
}

export function isInstalled(packages: Readonly<Record<string, string>>): boolean {
  return existsSync(join(installedFolder(packages), LOADER));
}

/** The npm that started this process; otherwise the one on the path. */
function npmCommand(): [command: string, args: string[], shell: boolean] {
  const script = process.env.npm_execpath;
  if (script && /npm-cli\.[cm]?js$/.test(script)) return [process.execPath, [script], false];
  return ['npm', [], process.platform === 'win32'];
}

async function runNpm(folder: string, signal: AbortSignal | undefined): Promise<void> {
  const [command, prefix, shell] = npmCommand();
  // Without install scripts: that of onnxruntime-node would download CUDA libraries.
  const args = [...prefix, 'install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
  const child = spawn(command, args, {
    cwd: folder,
    shell,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: LONGEST_INSTALL_MS,
    signal,
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`npm cannot be run (${error.message})`)));
    child.on('close', (status) => {
      if (status === 0) return resolve();
      const errors = complaints.match(/^npm (error|ERR!) .*$/gm) ?? [];
      const why = errors.slice(0, 2).map((line) => line.replace(/^npm \S+ /, ''));
      reject(new Error(`npm install failed (${oneLine(why.join('; ')) || `exit code ${status}`})`));
    });
  });
}

/**
 * Installs packages into the user's cache, once. They are not dependencies of the project: only this benchmark needs them.
 *
 * @returns Their folder. @throws Error in one line where npm fails.
 */
export async function installPackages(
  packages: Readonly<Record<string, string>>,
  onNote: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const folder = installedFolder(packages);
  if (isInstalled(packages)) return folder;
  const names = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  onNote(`installing ${names.join(' and ')} for this benchmark only, once, into ${folder}`);
  await createFolder(join(folder, '..'));
  const aside = await mkdtemp(`${folder}-`);
  try {
    await writeFile(join(aside, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));
    await runNpm(aside, signal);
    await writeFile(join(aside, LOADER), LOADER_SOURCE);
    // Another process may have installed the same packages at the same time.
    await rename(aside, folder).catch((error) => {
      if (!isInstalled(packages)) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return folder;
}
