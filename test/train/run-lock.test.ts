import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CallerError } from '../../src/gpu/errors.js';
import { LOCK_FILE, withRunLock } from '../../src/train/run-lock.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const file = join(folder, LOCK_FILE);

/** A process that has come and gone. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.on('exit', resolve));
  return child.pid!;
}

const lockedBy = (process_: number, host = hostname()) => writeFileSync(file, `${process_} ${host}`);

it('lets one process train into a folder, and leaves nothing behind', async () => {
  const result = await withRunLock(folder, async () => existsSync(file));
  expect(result).toBe(true);
  await expect(withRunLock(folder, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(file)).toBe(false);
});

it('refuses where another process does, and leaves its lock', async () => {
  for (const [holder, host] of [
    [process.ppid, hostname()],
    [1, 'elsewhere'],
  ] as const) {
    lockedBy(holder, host);
    const refused = withRunLock(folder, () => Promise.resolve('trained'));
    await expect(refused).rejects.toThrow(CallerError);
    await expect(refused).rejects.toThrow(`process ${holder} on ${host} trains here`);
    expect(existsSync(file)).toBe(true);
  }
});

it('takes over what a killed process has left', async () => {
  lockedBy(await deadProcess());
  expect(await withRunLock(folder, () => Promise.resolve('trained'))).toBe('trained');
  expect(existsSync(file)).toBe(false);
});
