import { join } from 'node:path';
import type { Command } from 'commander';
import { SPLITS } from '../data/dataset.js';
import { createFolder, writeAtomically } from '../data/files.js';
import { GRAMPAIR_LABEL_NAMES, GRAMPAIR_ROWS, grampair } from '../data/grampair.js';
import { grampairTsv, MOST_GRAMPAIR_SENTENCES } from '../data/grampair-source.js';
import { option } from './bench-output.js';
import { seedNumber, wholeNumber } from './setting-options.js';
import { print } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony grampair --out pairs --rows 100000 --seed 7
  $ parsimony train --data pairs --label-column negation --tags-column tags

Without files: --data grampair:negation`;

interface GrampairFlags {
  out: string;
  rows: number;
  seed: number;
}

export function grampairCommand(command: Command): void {
  command
    .requiredOption('--out <folder>', 'gets train.tsv, dev.tsv and test.tsv')
    .addOption(
      option('--rows <count>', 'training sentences', wholeNumber(1, MOST_GRAMPAIR_SENTENCES)).default(
        GRAMPAIR_ROWS.train,
      ),
    )
    .addOption(option('--seed <number>', 'of all sentences', seedNumber).default(1))
    .addHelpText('after', EXAMPLE)
    .action(write);
}

async function write({ out, rows, seed }: GrampairFlags): Promise<void> {
  const corpus = grampair(seed, { ...GRAMPAIR_ROWS, train: rows });
  await createFolder(out);
  for (const split of SPLITS) await writeAtomically(join(out, `${split}.tsv`), grampairTsv(corpus[split]));
  const counts = SPLITS.map((split) => `${corpus[split].length} of ${split}`);
  print(`${out}: ${counts.join(', ')}; columns sentence, tags, ${GRAMPAIR_LABEL_NAMES.join(', ')}`);
}
