import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CallerError, EngineError } from '../gpu/errors.js';

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** What an error says that a file could not be written for. */
export function cannotBeWritten(path: string, error: unknown): EngineError {
  return new EngineError({
    what: `cannot be written (${codeOf(error)})`,
    where: path,
    remedy: 'free some space or choose another folder',
  });
}

/** What a process that was killed while it wrote has left beside the file. */
const PART = /\.\d+\.part$/;

/** Flushes what a folder says of its files: else a power cut may take back a rename. */
async function flushFolder(path: string): Promise<void> {
  // Windows opens no folder, and some file systems flush none: there, a rename is as safe as it gets.
  const folder = await open(path, 'r').catch(() => undefined);
  try {
    await folder?.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes(codeOf(error))) throw error;
  } finally {
    await folder?.close();
  }
}

/**
 * Writes a file whole or not at all, whatever happens meanwhile: aside, flushed, then renamed over what stood there, and the
 * folder flushed.
 * @throws EngineError where the disk refuses.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const aside = `${path}.${process.pid}.part`;
  try {
    const file = await open(aside, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    await flushFolder(dirname(path));
  } catch (error) {
    await rm(aside, { force: true });
    throw cannotBeWritten(path, error);
  }
}

/** Removes what killed processes left of `writeWhole` in a folder. No other process may be writing there. */
export async function removeParts(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (PART.test(name)) await removeFile(join(folder, name));
}

/** Removes a file, for good; none there is as good. @throws EngineError where the disk refuses. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await flushFolder(dirname(path));
  } catch (error) {
    throw new EngineError({ what: `cannot be removed (${codeOf(error)})`, where: path });
  }
}

/** The place of a file in a folder. */
export function placeIn(folder: string, name: string): string {
  return join(folder, name);
}

/** Whether there is a file, or a folder, of this name. */
export async function isThere(path: string): Promise<boolean> {
  return existsSync(path);
}

/** Reads a text file. @throws CallerError where it cannot be read. */
export async function readText(path: string, expected?: string): Promise<string> {
  return new TextDecoder().decode(await readBytesOf(path, expected));
}

/** Reads a file. @throws CallerError where it cannot be read. */
export async function readBytesOf(path: string, expected?: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CallerError({ what: `cannot be read (${codeOf(error)})`, where: path, expected });
  }
}

/** Creates a folder and those above it. @throws CallerError where that fails, or something else has its name. */
export async function createFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new CallerError({
      what: `cannot be created (${codeOf(error)})`,
      where: path,
      expected: `a folder that can be made in ${dirname(path)}`,
    });
  }
}
