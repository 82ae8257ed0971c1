import { statSync } from 'node:fs';
import { CallerError } from '../gpu/errors.js';
import type { DataSource } from './dataset.js';
import { embeddedSource } from './embedded-corpus.js';
import { glueFolder } from './glue-folder.js';
import { sst2Source } from './sst2-download.js';

/**
 * The data that `--data` names: `embedded`, `sst2`, or a folder of GLUE TSV files.
 * @throws CallerError where it names none of these.
 */
export function dataSource(name: string): DataSource {
  if (name === 'embedded') return embeddedSource();
  if (name === 'sst2') return sst2Source();
  if (statSync(name, { throwIfNoEntry: false })?.isDirectory()) return glueFolder(name);
  throw new CallerError({
    what: 'no such folder',
    where: `--data ${name}`,
    expected: 'a folder with train.tsv and dev.tsv, or sst2, or embedded',
  });
}
