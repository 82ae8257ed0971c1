import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Dawn prints these two on every software adapter; they mean nothing to a user. */
const HARMLESS = /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced /;

const STDERR = 2;

/** Opens a path so that it takes the descriptor of standard error, which is the lowest free one once it is closed. */
function putOnStderr(path: string, flags: string): void {
  closeSync(STDERR);
  openSync(path, flags);
}

/**
 * Runs an action and passes on everything that it writes to standard error, except Dawn's two harmless warnings. Dawn
 * writes them from native code, past `process.stderr`, so the descriptor itself is sent through a file meanwhile. That is
 * possible where it is a terminal, a file or a pipe on Linux and macOS; elsewhere the warnings stay.
 */
export async function withoutHarmlessWarnings<T>(action: () => Promise<T>): Promise<T> {
  const detour = openDetour();
  if (!detour) return action();
  putOnStderr(detour.aside, 'w');
  try {
    return await action();
  } finally {
    putOnStderr(`/dev/fd/${detour.original}`, 'a');
    closeSync(detour.original);
    const lines = readFileSync(detour.aside, 'utf8').split(/(?<=\n)/);
    rmSync(detour.folder, { recursive: true, force: true });
    for (const line of lines) if (!HARMLESS.test(line)) writeSync(STDERR, line);
  }
}

/** The file through which standard error goes, and a second descriptor of it; undefined where either cannot be had. */
function openDetour(): { folder: string; aside: string; original: number } | undefined {
  if (process.platform === 'win32' || fstatSync(STDERR).isSocket()) return undefined;
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'parsimony-stderr-'));
    const aside = join(folder, 'stderr');
    closeSync(openSync(aside, 'w'));
    return { folder, aside, original: openSync('/dev/fd/2', 'a') };
  } catch {
    // No folder for temporary files, or a terminal of another user's: two warnings more are no harm.
    if (folder) rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
}
