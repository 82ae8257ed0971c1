import { open, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { cannotBeWritten, removeFile } from '../data/files.js';
import { CallerError } from '../gpu/errors.js';

/** Names the process that trains into a folder, for as long as it does. */
export const LOCK_FILE = 'process.lock';

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    // It lives, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Who holds a lock; nobody where the process that wrote it was killed. Of another machine's processes nothing can be known. */
async function holderOf(file: string): Promise<string | undefined> {
  const [number, host] = (await readFile(file, 'utf8').catch(() => '')).split(' ');
  if (!number || (host === hostname() && (Number(number) === process.pid || !isAlive(Number(number)))))
    return undefined;
  return `process ${number} on ${host}`;
}

async function claim(file: string): Promise<boolean> {
  try {
    const lock = await open(file, 'wx');
    await lock.writeFile(`${process.pid} ${hostname()}`);
    await lock.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cannotBeWritten(file, error);
  }
}

/**
 * Keeps other processes from training into a folder while `action` runs: two would write each other's files. A lock that a
 * killed process has left is taken over.
 * @throws CallerError where another process trains there; EngineError where the disk refuses.
 */
export async function withRunLock<T>(folder: string, action: () => Promise<T>): Promise<T> {
  const file = join(folder, LOCK_FILE);
  if (!(await claim(file))) {
    const holder = await holderOf(file);
    if (holder === undefined) await removeFile(file);
    if (holder !== undefined || !(await claim(file))) {
      throw new CallerError({
        what: `${holder ?? 'another process'} trains here`,
        where: folder,
        expected: 'one process a folder',
        remedy: `wait for it, or choose another folder; if it is no training, remove ${file}`,
      });
    }
  }
  try {
    return await action();
  } finally {
    await removeFile(file);
  }
}
