import { constants, existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { CallerError, EngineError } from '../base/errors.js';
import { cannotBeWritten, codeOf } from '../data/file-errors.js';

/** Names the process that trains into a folder, for as long as it does. */
export const LOCK_FILE = 'process.lock';

/** Another run may end, and take its file away, between the opening and the locking of it: but not as often as this. */
const MOST_TRIES = 100;

/** Read and written, made where it is missing, and never a link to a file elsewhere. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

async function held(folder: string, file: string): Promise<CallerError> {
  const [number, host] = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ');
  return new CallerError({
    what: `${host ? `process ${number} on ${host}` : 'another process'} trains here`,
    where: folder,
    expected: 'one process a folder',
    remedy: 'wait for it, or choose another folder',
  });
}

function locked(file: string, descriptor: number): boolean {
  try {
    return tryLock(descriptor);
  } catch (error) {
    throw new EngineError({
      what: `cannot be locked (${codeOf(error)})`,
      where: file,
      expected: 'a file system with locks, which keep two processes apart',
      remedy: 'choose a folder on another one',
    });
  }
}

/**
 * Keeps all other runs from training into a folder: two would write each other's files. The system's own lock on a file does it,
 * whatever the folder is called, within a process, between processes, and between hosts where they share a file system. The
 * system frees it with the process, however that ends: no lock is ever left over, and none must be taken from anyone.
 *
 * A lock counts only while its file stands in the folder, and only the holder takes that away. So of two that hold locks
 * on two files of this name, at most one holds that which stands there.
 */
export class RunLock {
  private constructor(
    private readonly folder: string,
    private readonly file: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * @throws CallerError where another run holds it, or the folder cannot be written to; EngineError where the file system has
   * no locks.
   */
  static async acquire(folder: string): Promise<RunLock> {
    const file = join(folder, LOCK_FILE);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const handle = await open(file, FLAGS, 0o666).catch((error) => {
        throw cannotBeWritten(file, error);
      });
      const lock = new RunLock(folder, file, handle);
      try {
        if (!locked(file, handle.fd)) throw await held(folder, file);
        if (await lock.counts()) {
          await lock.sign();
          return lock;
        }
      } catch (error) {
        await handle.close();
        throw error;
      }
      await handle.close();
    }
    throw await held(folder, file);
  }

  /** Whether the file that is locked is the one that stands in the folder. */
  private async counts(): Promise<boolean> {
    const [ours, standing] = await Promise.all([this.handle.stat(), stat(this.file).catch(() => undefined)]);
    return ours.ino === standing?.ino && ours.dev === standing.dev;
  }

  private async sign(): Promise<void> {
    try {
      await this.handle.truncate(0);
      await this.handle.write(`${process.pid} ${hostname()}\n`, 0);
    } catch (error) {
      throw cannotBeWritten(this.file, error);
    }
  }

  /** @throws EngineError where the lock counts no more: another run may write to the folder now. */
  async check(): Promise<void> {
    if (await this.counts()) return;
    const isThere = existsSync(this.folder);
    throw new EngineError({
      what: isThere ? 'was removed while a run went on' : 'the folder was removed while a run went on',
      where: isThere ? this.file : this.folder,
      expected: 'it to stay, as it keeps other runs away',
      remedy: 'the run has ended, and has written nothing since; begin it again',
    });
  }

  /** Frees it. */
  async release(): Promise<void> {
    try {
      // While it is still locked: the next holder makes a file of its own.
      if (await this.counts()) await rm(this.file, { force: true });
    } catch {
      // A file that stays harms nothing: it is the lock on it that counts.
    } finally {
      await this.handle.close();
    }
  }
}

/** Holds a folder's lock while `action` runs. @throws As `RunLock.acquire`. */
export async function withRunLock<T>(folder: string, action: (lock: RunLock) => Promise<T>): Promise<T> {
  const lock = await RunLock.acquire(folder);
  try {
    return await action(lock);
  } finally {
    await lock.release();
  }
}
