import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CallerError } from '../base/errors.js';
import type { DataSource, Example, Split } from './dataset.js';
import { download, huggingFaceEndpoint } from './download.js';
import { createFolder, writeAtomically } from './files.js';
import { hubCachePath } from './hub-cache.js';
import { readParquet } from './parquet.js';
import { columnOf } from './table.js';

const REVISION = '8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb';

const FILES: Readonly<Record<Split, { name: string; sha256: string }>> = {
  train: {
    name: 'train-00000-of-00001.parquet',
    sha256: 'c7921283b75a42e685f50edecb96798607ea0fcbfd0739ee8975f22c12d55f09',
  },
  dev: {
    name: 'validation-00000-of-00001.parquet',
    sha256: 'fb00fe008f6828f86ba2beda8415a4cf5da0c884f21c5f238c87131b5aa19529',
  },
  test: {
    name: 'test-00000-of-00001.parquet',
    sha256: '20d27a86c0c59acb746a41a481ebb1fc71edb72d94b5ccee7f23b9041b17adcf',
  },
};

const REMEDY = 'use --data with a folder of GLUE TSV files, or --data embedded';

/** A split's file, from the user's cache or downloaded into it. */
async function cachedFile(split: Split): Promise<{ bytes: Uint8Array; path: string }> {
  const { name, sha256 } = FILES[split];
  const path = hubCachePath('datasets--stanfordnlp--sst2', 'snapshots', REVISION, 'data', name);
  if (existsSync(path)) return { bytes: await readFile(path), path };
  const url = `${huggingFaceEndpoint()}/datasets/stanfordnlp/sst2/resolve/${REVISION}/data/${name}`;
  const bytes = await download(url, REMEDY, sha256);
  await createFolder(dirname(path));
  await writeAtomically(path, bytes);
  return { bytes, path };
}

/**
 * Sentences and labels of a parquet file in the layout of `stanfordnlp/sst2`. Unknown labels are -1.
 * @param path The file's name in errors.
 * @throws CallerError for an invalid file.
 */
export async function readSst2Parquet(bytes: Uint8Array, path: string): Promise<Example[]> {
  const table = await readParquet(bytes, path, ['sentence', 'label']);
  const [sentence, label] = ['sentence', 'label'].map((name) => columnOf(table, [name], '--text-column'));
  return table.rows.map(({ cells }) => ({ text: String(cells[sentence]), label: Number(cells[label]) }));
}

/** SST-2 from Hugging Face at a pinned revision, from the user's cache after the first download. */
export function sst2Source(): DataSource {
  const read = async (split: Split) => {
    const { bytes, path } = await cachedFile(split);
    return readSst2Parquet(bytes, path);
  };
  return {
    name: 'sst2',
    classes: ['negative', 'positive'],
    async examples(split) {
      const examples = await read(split);
      if (examples.every(({ label }) => label >= 0)) return examples;
      throw new CallerError({
        what: `the split "${split}" of SST-2 has no labels`,
        expected: 'train or dev',
      });
    },
    texts: async (split) => (await read(split)).map(({ text }) => ({ text })),
    nameOf: (split) => `sst2 (${split})`,
  };
}
