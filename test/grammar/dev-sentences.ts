import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** SST-2 may not be copied into the repository. Tests read it where it is beside the repository. */
const DEV_FILE = fileURLToPath(new URL('../../../shared/sst2/dev.tsv', import.meta.url));

export const SST2_IS_MISSING = !existsSync(DEV_FILE);

/** The sentences of SST-2's development set. */
export function devSentences(): string[] {
  const rows = readFileSync(DEV_FILE, 'utf8').trimEnd().split('\n').slice(1);
  return rows.map((row) => row.split('\t')[0]);
}
