import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CallerError } from '../gpu/errors.js';
import type { DataSource, Split } from './dataset.js';
import { parseExamples, parseSentences } from './tsv.js';

async function readSplit(folder: string, split: Split): Promise<{ text: string; file: string }> {
  const file = join(folder, `${split}.tsv`);
  try {
    return { text: await readFile(file, 'utf8'), file };
  } catch (error) {
    throw new CallerError({
      what: `cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`,
      where: file,
      expected: 'a folder with train.tsv, dev.tsv and test.tsv, as GLUE lays out SST-2',
    });
  }
}

/** A folder of GLUE's TSV files for SST-2: `train.tsv`, `dev.tsv`, `test.tsv`, each read when first asked for. */
export function glueFolder(
  folder: string,
  classes: readonly string[] = ['negative', 'positive'],
): DataSource {
  return {
    name: basename(folder) || folder,
    classes,
    async examples(split) {
      const { text, file } = await readSplit(folder, split);
      return parseExamples(text, file, classes.length);
    },
    async sentences(split) {
      const { text, file } = await readSplit(folder, split);
      return parseSentences(text, file);
    },
  };
}
