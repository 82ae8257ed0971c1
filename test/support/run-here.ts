import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { vi } from 'vitest';
import { testDevice } from './device.js';
import { COMMAND, type CommandOptions, type CommandResult, commandEnvironment } from './run-command.js';

export type HereOptions = Pick<CommandOptions, 'cwd' | 'env'>;

/** The program as it is built. */
async function builtProgram(): Promise<typeof import('../../src/cli/program.js')> {
  return import(pathToFileURL(join(COMMAND, '../program.js')).href);
}

/** Captures what is written to a stream of the process. */
function captured(stream: NodeJS.WriteStream): { text: () => string; stop: () => void } {
  const chunks: string[] = [];
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk, ...rest: unknown[]) => {
    chunks.push(typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk));
    const written = rest.at(-1);
    if (typeof written === 'function') written();
    return true;
  });
  return { text: () => chunks.join(''), stop: () => spy.mockRestore() };
}

/** Changes `process.env` in place, because modules hold references to it. */
function setEnvironment(wanted: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (wanted[name] === undefined) delete process.env[name];
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) process.env[name] = value;
}

/** Makes every adapter return the tests' device, which cannot be destroyed meanwhile. */
export async function withDeviceOfTests<T>(action: () => Promise<T>): Promise<T> {
  const { gpu } = await testDevice();
  const request = vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockResolvedValue(gpu);
  const destroy = vi.spyOn(gpu, 'destroy').mockReturnValue(undefined);
  try {
    return await action();
  } finally {
    request.mockRestore();
    destroy.mockRestore();
  }
}

/**
 * Runs `parsimony` with these arguments as `runCommand` does, but in the process of the tests and on their device. A new process
 * compiles every kernel again, which takes a software driver seconds. Use `runCommand` to test how a process ends.
 */
export async function runHere(
  args: readonly string[],
  { cwd, env }: HereOptions = {},
): Promise<CommandResult> {
  const { run } = await builtProgram();
  const { argv, exitCode } = process;
  const folder = process.cwd();
  const environment = { ...process.env };
  const began = performance.now();
  return withDeviceOfTests(async () => {
    const [stdout, stderr] = [captured(process.stdout), captured(process.stderr)];
    try {
      if (cwd !== undefined) process.chdir(cwd);
      setEnvironment(commandEnvironment(env));
      process.argv = [process.execPath, COMMAND, ...args];
      process.exitCode = undefined;
      const status = await run(args);
      const seconds = (performance.now() - began) / 1000;
      return { status, stdout: stdout.text(), stderr: stderr.text(), seconds };
    } finally {
      process.chdir(folder);
      setEnvironment(environment);
      Object.assign(process, { argv, exitCode });
      stdout.stop();
      stderr.stop();
    }
  });
}
