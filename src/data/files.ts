import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CallerError } from '../base/errors.js';
import { flushFolder, isPartialFile } from './atomic-file.js';
import { cannotBeCreated, cannotBeRemoved, codeOf } from './file-errors.js';
import { decodeUtf8 } from './utf8.js';

export { checkWritable, writeAtomically } from './atomic-file.js';

/** Removes partial files that killed processes left in a folder. No other process may write there meanwhile. */
export async function removePartialFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (isPartialFile(name)) await removeFile(join(folder, name));
}

/** Removes a file durably, if it exists. @throws ParsimonyError where that fails. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await flushFolder(dirname(path));
  } catch (error) {
    throw cannotBeRemoved(path, error);
  }
}

/** The path of a file in a folder. */
export function pathIn(folder: string, name: string): string {
  return join(folder, name);
}

/** Whether a file or folder exists at a path. */
export async function exists(path: string): Promise<boolean> {
  return existsSync(path);
}

/** Reads a text file. @throws CallerError where it is unreadable or not UTF-8. */
export async function readText(path: string, expected?: string): Promise<string> {
  return decodeUtf8(await readBytesOf(path, expected), path);
}

/** Reads a file. @throws CallerError where it cannot be read. */
export async function readBytesOf(path: string, expected?: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CallerError({ what: `cannot be read (${codeOf(error)})`, where: path, expected });
  }
}

/** Creates a folder and its parents. @throws ParsimonyError where that fails, or a file has its name. */
export async function createFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw cannotBeCreated(path, error);
  }
}
