import { closeSync, fstatSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
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
  const kind = fstatSync(STDERR);
  if (process.platform === 'win32' || kind.isSocket()) return action();
  const aside = join(tmpdir(), `parsimony-stderr-${process.pid}`);
  const original = openSync('/dev/fd/2', 'a');
  putOnStderr(aside, 'w');
  try {
    return await action();
  } finally {
    putOnStderr(`/dev/fd/${original}`, 'a');
    closeSync(original);
    const lines = readFileSync(aside, 'utf8').split(/(?<=\n)/);
    rmSync(aside);
    for (const line of lines) if (!HARMLESS.test(line)) writeSync(STDERR, line);
  }
}
