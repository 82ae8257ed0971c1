import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CallerError, EngineError } from '../gpu/errors.js';

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/**
 * Writes a file whole or not at all: aside, flushed, then renamed over what stood there.
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
  } catch (error) {
    await rm(aside, { force: true });
    throw new EngineError({
      what: `cannot be written (${codeOf(error)})`,
      where: path,
      remedy: 'free some space or choose another folder',
    });
  }
}

/** Removes a file; none there is as good. @throws EngineError where the disk refuses. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw new EngineError({ what: `cannot be removed (${codeOf(error)})`, where: path });
  }
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
