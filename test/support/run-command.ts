import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fchmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { embeddedDriverExists } from '../../src/gpu/embedded-driver.js';

/** The command as it is built; `npm test` builds it. */
export const COMMAND = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

const MOST_SECONDS = 570;

export interface CommandOptions {
  cwd?: string;
  /** Added to the environment of the tests; undefined removes a variable. */
  env?: Record<string, string | undefined>;
  /** Where standard output goes instead of being returned. */
  stdoutTo?: string;
  /** The user that runs the command, where the tests may change it. */
  uid?: number;
  /** Makes standard error a file that cannot be opened a second time. */
  lockedStderr?: boolean;
}

export interface CommandResult {
  /** The exit code; null where a signal ended the process, or it did not end in time. */
  status: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** The environment of a command: the adapter of the tests, as `testDevice` chooses it. */
export function commandEnvironment(env: CommandOptions['env'] = {}): NodeJS.ProcessEnv {
  const adapter = embeddedDriverExists() ? 'embedded' : 'auto';
  const inherited = { ...process.env };
  // Opening the embedded driver sets variables of this process; a command must start as in a shell.
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    if (inherited[name]?.includes('swiftshader')) delete inherited[name];
  }
  return { ...inherited, PARSIMONY_ADAPTER: process.env.PARSIMONY_ADAPTER ?? adapter, ...env };
}

/** Runs `parsimony` with these arguments, and waits for its end. */
export function runCommand(args: readonly string[], options: CommandOptions = {}): CommandResult {
  if (!existsSync(COMMAND))
    throw new Error('The command is not built: run `npm test`, or scripts/build.mjs.');
  // A file, as after `2>`. On the socket that spawnSync would make of it, Dawn's own warnings cannot be hidden.
  const temporary = mkdtempSync(join(tmpdir(), 'parsimony-command-'));
  const stderrFile = join(temporary, 'stderr');
  const stderr = openSync(stderrFile, 'a', options.lockedStderr ? 0 : 0o600);
  const stdout = options.stdoutTo === undefined ? ('pipe' as const) : openSync(options.stdoutTo, 'w');
  const began = performance.now();
  try {
    const result = spawnSync(process.execPath, [COMMAND, ...args], {
      cwd: options.cwd,
      env: commandEnvironment(options.env),
      stdio: ['ignore', stdout, stderr],
      uid: options.uid,
      encoding: 'utf8',
      timeout: 1000 * MOST_SECONDS,
      maxBuffer: 2 ** 26,
    });
    fchmodSync(stderr, 0o600);
    if (result.error && result.status === null && result.signal === null) throw result.error;
    return {
      status: result.status,
      stdout: result.stdout ?? '',
      stderr: readFileSync(stderrFile, 'utf8'),
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    closeSync(stderr);
    if (typeof stdout === 'number') closeSync(stdout);
    rmSync(temporary, { recursive: true });
  }
}
