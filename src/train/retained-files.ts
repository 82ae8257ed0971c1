import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readBytesOf, writeAtomically } from '../data/files.js';
import { checksumOf } from './checksum.js';
import type { RunLock } from './run-lock.js';

/** Identifies the state of a file: device, inode, size and time of the last change. */
export async function stampOf(path: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined);
  return stats ? [stats.dev, stats.ino, stats.size, stats.mtimeMs].join() : 'missing';
}

/** The note on a file that was written again. */
export function rewritten(path: string): string {
  return `${path} was removed or changed during the run: it is written again.`;
}

/** Runs actions one after another, in the order of the calls. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** @returns What the action returns. An action that throws does not stop the next one. */
  run<T>(action: () => Promise<T>): Promise<T> {
    const result = this.last.then(action);
    this.last = result.catch(() => {});
    return result;
  }
}

interface RetainedFile {
  content: Uint8Array;
  checksum: string;
  stamp: string;
}

/**
 * The files of a run that must be on the disk at its end. Their content stays in memory, so that a file that is removed, cut off
 * or replaced during the run is written again.
 */
export class RetainedFiles {
  private readonly files = new Map<string, RetainedFile>();
  /** A checkpoint is written in the background, and restores the files that the run writes. */
  private readonly turns = new SerialQueue();

  constructor(
    private readonly folder: string,
    private readonly lock: RunLock,
    private readonly onNote: (note: string) => void,
  ) {}

  /** Writes a file, and retains its content. @throws ParsimonyError where the disk refuses, or the lock is lost. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    await this.turns.run(() => this.writeNow(name, bytes));
  }

  private async writeNow(name: string, content: Uint8Array): Promise<void> {
    await this.lock.check();
    const path = join(this.folder, name);
    await writeAtomically(path, content);
    this.files.set(name, { content, checksum: checksumOf(content), stamp: await stampOf(path) });
  }

  /** Retains a file of the folder. @returns Its content. @throws CallerError where it cannot be read. */
  async retain(name: string): Promise<Uint8Array> {
    const path = join(this.folder, name);
    const stamp = await stampOf(path);
    const content = await readBytesOf(path);
    this.files.set(name, { content, checksum: checksumOf(content), stamp });
    return content;
  }

  /** The checksum of a retained file. */
  checksumOf(name: string): string {
    return this.files.get(name)!.checksum;
  }

  /** Writes files again that have changed. @throws ParsimonyError where the disk refuses, or the lock is lost. */
  async restore(): Promise<void> {
    await this.turns.run(async () => {
      await this.lock.check();
      for (const [name, { content, stamp }] of this.files) {
        const path = join(this.folder, name);
        if ((await stampOf(path)) === stamp) continue;
        await this.writeNow(name, content);
        this.onNote(rewritten(path));
      }
    });
  }
}
