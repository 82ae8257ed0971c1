import { existsSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type * as v from 'valibot';
import { CallerError } from '../../base/errors.js';
import { fields, flag, text, whole } from '../../base/json-schemas.js';
import { JsonText } from '../../base/json-text.js';
import { createFolder, readText, removeFile, writeAtomically } from '../../data/files.js';

/** The number of failures after which a cell is left out. */
export const MOST_ATTEMPTS = 3;

const FAILURE = fields({
  error: text,
  attempts: whole,
  isFinal: flag,
});

/** Why a cell has no result. */
export type Failure = v.InferOutput<typeof FAILURE>;

const ENDING = '.failed.json';
const CANCELLED = 'cancelled';

/** What went wrong with an experiment's cells, and whether it was cancelled: files next to its claims. */
export class CellFailures {
  constructor(private readonly folder: string) {}

  /** The failure of a cell; undefined where it has not failed. */
  async of(name: string): Promise<Failure | undefined> {
    const file = this.fileOf(name);
    if (!existsSync(file)) return undefined;
    const expected = 'the error of a cell, as `parsimony experiment` writes it';
    return new JsonText(await readText(file), file, { expected, remedy: 'delete it' }).checked(FAILURE);
  }

  /** Keeps an error of a cell. A mistake of the caller is not tried again. */
  async add(name: string, error: Error): Promise<Failure> {
    const attempts = ((await this.of(name))?.attempts ?? 0) + 1;
    const isFinal = attempts >= MOST_ATTEMPTS || error instanceof CallerError;
    const failure = { error: error.message, attempts, isFinal };
    await writeAtomically(this.fileOf(name), `${JSON.stringify(failure)}\n`);
    return failure;
  }

  async remove(name: string): Promise<void> {
    if (existsSync(this.fileOf(name))) await removeFile(this.fileOf(name));
  }

  /** The names of the cells that have failed. */
  async names(): Promise<string[]> {
    const files = await readdir(this.folder).catch(() => []);
    return files.filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length));
  }

  /** Forgets all failures, and that the experiment was cancelled. @returns How many cells had failed. */
  async clear(): Promise<number> {
    const names = await this.names();
    for (const name of names) await this.remove(name);
    if (this.isCancelled) await removeFile(join(this.folder, CANCELLED));
    await rmdir(this.folder).catch(() => {});
    return names.length;
  }

  /** Stops all processes that run cells of the experiment, each with a checkpoint. */
  async cancel(): Promise<void> {
    await createFolder(this.folder);
    await writeAtomically(join(this.folder, CANCELLED), '');
  }

  get isCancelled(): boolean {
    return existsSync(join(this.folder, CANCELLED));
  }

  private fileOf(name: string): string {
    return join(this.folder, name + ENDING);
  }
}
