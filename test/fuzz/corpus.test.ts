import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { failureOf } from './inputs.js';
import { readerNamed } from './readers.js';

const CORPUS = join(import.meta.dirname, 'corpus');
const folder = join(temporaryFolder(), 'input');

const cases = readdirSync(CORPUS).flatMap((reader) =>
  readdirSync(join(CORPUS, reader)).map((name) => [reader, name] as const),
);

/** Inputs that once caused an internal error, were accepted although damaged, or took minutes. */
describe('inputs that were found', () => {
  it.each(cases)('%s/%s is refused in one line that names the file', async (reader, name) => {
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(CORPUS, reader, name), folder, { recursive: true });
    expect(await failureOf(readerNamed(reader), folder)).toBeUndefined();
    await expect(readerNamed(reader).read(folder)).rejects.toBeInstanceOf(CallerError);
  });
});
