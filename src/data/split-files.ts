import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { CallerError } from '../gpu/errors.js';
import { DATA_FORMATS } from './data-file.js';
import type { Split } from './dataset.js';

/** The files of each split that there is, in the order in which they are read. */
export type SplitFiles = Partial<Record<Split, readonly string[]>>;

/** How a split's file may be called, before its ending. */
const STEMS: Readonly<Record<Split, readonly string[]>> = {
  train: ['train'],
  dev: ['dev', 'validation'],
  test: ['test'],
};

/** The names that a split's file may have. */
export function namesOf(split: Split): string {
  return STEMS[split].map((stem) => `${stem}${DATA_FORMATS.join(`, ${stem}`)}`).join(', ');
}

/** One file, or the shards of one, as Hugging Face counts them: `train-00000-of-00002.parquet`. */
interface Candidate {
  name: string;
  files: string[];
  /** How many files there must be. */
  count: number;
}

function candidatesOf(split: Split, names: readonly string[]): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const name of names) {
    const ending = extname(name);
    const [, stem, count] = /^([a-z]+)(?:-\d+-of-(\d+))?$/.exec(name.slice(0, -ending.length)) ?? [];
    if (!DATA_FORMATS.includes(ending) || !STEMS[split].includes(stem)) continue;
    const common = count === undefined ? name : `${stem}-…-of-${count}${ending}`;
    const candidate = candidates.get(common) ?? { name: common, files: [], count: Number(count ?? 1) };
    candidate.files.push(name);
    candidates.set(common, candidate);
  }
  return [...candidates.values()];
}

/**
 * The files of a folder by split: `train`, `dev` or `validation`, and `test`, in any of the formats, whole or in shards.
 * @throws CallerError where a split could be either of two files, or a shard is missing.
 */
export function filesOfFolder(folder: string): SplitFiles {
  const names = readdirSync(folder).sort();
  const splits: SplitFiles = {};
  for (const split of Object.keys(STEMS) as Split[]) {
    const [candidate, other] = candidatesOf(split, names);
    if (!candidate) continue;
    if (other) {
      throw new CallerError({
        what: `"${candidate.name}" and "${other.name}" could both be the split "${split}"`,
        where: folder,
        remedy: 'take one of them out, or name the file itself',
      });
    }
    if (candidate.files.length !== candidate.count) {
      throw new CallerError({
        what: `${candidate.files.length} files "${candidate.name}"`,
        where: folder,
        expected: `${candidate.count}, as their names say`,
      });
    }
    splits[split] = candidate.files.map((file) => join(folder, file));
  }
  return splits;
}

/**
 * The files that a flag names: one, or several with commas between them.
 * @param flag What an error calls the place.
 * @throws CallerError where one of them is no file, or of no known format.
 */
export function filesNamed(names: string, flag: string): string[] {
  const isFile = (name: string) => statSync(name, { throwIfNoEntry: false })?.isFile() === true;
  const files = isFile(names) ? [names] : names.split(',').map((name) => name.trim());
  for (const file of files) {
    if (!isFile(file)) {
      throw new CallerError({ what: `no such file: ${file}`, where: flag, expected: 'a file of texts' });
    }
    if (!DATA_FORMATS.includes(extname(file).toLowerCase())) {
      throw new CallerError({
        what: `"${extname(file)}" is no format of data`,
        where: `${flag} ${file}`,
        expected: `a file that ends in ${DATA_FORMATS.join(', ')}`,
      });
    }
  }
  return files;
}
