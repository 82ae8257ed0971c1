import { constants, existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { CallerError, EngineError } from '../base/errors.js';
import { cannotBeWritten, codeOf } from '../data/file-errors.js';

/** Names the process that trains into a folder. */
export const LOCK_FILE = 'process.lock';

/** The attempts to lock: another run may end, and remove its file, between open and lock. */
const MOST_TRIES = 100;

/** Opens for reading and writing, creates a missing file, and follows no links. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/** Another process trains into the folder. */
export class FolderInUse extends CallerError {}

async function held(folder: string, file: string): Promise<FolderInUse> {
  const [number, host] = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ');
  return new FolderInUse({
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
 * Keeps all other runs from training into a folder, where two would overwrite each other's files. It is the system's lock on a
 * file, so it holds within a process, between processes, and between hosts that share a file system. The system frees it when
 * the process ends in any way: a lock is never left over.
 *
 * A lock is valid only while its file is in the folder, and only the holder removes the file. So at most one of two holders
 * of locks on files of this name has a valid lock.
 */
export class RunLock {
  private constructor(
    private readonly folder: string,
    private readonly file: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * @throws FolderInUse where another run holds it; CallerError where the folder cannot be written to; EngineError where the file
   * system has no locks.
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

  /** Whether the locked file is the one in the folder. */
  private async counts(): Promise<boolean> {
    const [locked, current] = await Promise.all([this.handle.stat(), stat(this.file).catch(() => undefined)]);
    return locked.ino === current?.ino && locked.dev === current.dev;
  }

  private async sign(): Promise<void> {
    try {
      await this.handle.truncate(0);
      await this.handle.write(`${process.pid} ${hostname()}\n`, 0);
    } catch (error) {
      throw cannotBeWritten(this.file, error);
    }
  }

  /** @throws EngineError where the lock is not valid any more: another run may write to the folder. */
  async check(): Promise<void> {
    if (await this.counts()) return;
    const isThere = existsSync(this.folder);
    throw new EngineError({
      what: isThere ? 'was removed during a run' : 'the folder was removed during a run',
      where: isThere ? this.file : this.folder,
      expected: 'it to stay, as it keeps other runs away',
      remedy: 'the run has stopped and has written nothing since; start it again',
    });
  }

  /** Frees it. */
  async release(): Promise<void> {
    try {
      // Before the lock is freed, so that the next holder creates its file.
      if (await this.counts()) await rm(this.file, { force: true });
    } catch {
      // A file that remains has no effect: only the lock on it counts.
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
