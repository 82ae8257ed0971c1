import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { CallerError } from '../base/errors.js';
import { DATA_FORMATS } from './data-file.js';
import type { Split } from './dataset.js';

/** The files of each split, in the order of reading. */
export type SplitFiles = Partial<Record<Split, readonly string[]>>;

/** The names of a split's file without extension. */
const STEMS: Readonly<Record<Split, readonly string[]>> = {
  train: ['train'],
  dev: ['dev', 'validation', 'valid', 'val'],
  test: ['test'],
};

/** The names that a split's file may have, in any case. */
export function namesOf(split: Split): string {
  return STEMS[split].map((stem) => `${stem}${DATA_FORMATS.join(`, ${stem}`)}`).join(', ');
}

/** One file, or its shards as Hugging Face names them: `train-00000-of-00002.parquet`, optionally with a hash. */
interface Candidate {
  name: string;
  /** By shard number. */
  files: Map<number, string>;
  /** Files whose shard number is already used. */
  duplicates: string[];
  /** The expected number of files. */
  count: number;
}

const NAME = /^([a-z]+)(?:-(\d+)-of-(\d+)(?:-[0-9a-z]+)?)?$/;

function candidatesOf(split: Split, names: readonly string[]): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const name of names) {
    const lower = name.toLowerCase();
    const ending = extname(lower);
    const [, stem, number = '0', count] = NAME.exec(lower.slice(0, lower.length - ending.length)) ?? [];
    if (!DATA_FORMATS.includes(ending) || !STEMS[split].includes(stem)) continue;
    const common = count === undefined ? name : `${stem}-…-of-${count}${ending}`;
    const candidate: Candidate = candidates.get(common) ?? {
      name: common,
      files: new Map(),
      duplicates: [],
      count: Number(count ?? 1),
    };
    if (candidate.files.has(Number(number))) candidate.duplicates.push(name);
    else candidate.files.set(Number(number), name);
    candidates.set(common, candidate);
  }
  return [...candidates.values()];
}

/** The files of a candidate in their order. @throws CallerError for a missing shard, or two with the same number. */
function filesOf({ name, files, duplicates, count }: Candidate, folder: string): string[] {
  const ordered = [...files].sort(([a], [b]) => a - b);
  if (duplicates.length === 0 && ordered.length === count && ordered.every(([number], at) => number === at)) {
    return ordered.map(([, file]) => join(folder, file));
  }
  throw new CallerError({
    what: `${ordered.length + duplicates.length} files "${name}"`,
    where: folder,
    expected: `${count}, numbered from 0 to ${count - 1}, as their names say`,
  });
}

/**
 * The files of a folder by split: `train`, `dev` or `validation`, and `test`, in any format, with or without shards.
 * @throws CallerError where two files match a split, or a shard is missing.
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
    splits[split] = filesOf(candidate, folder);
  }
  return splits;
}

export function isFile(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isFile() === true;
}

export function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The names in a comma-separated list. The text is one name where a file has it. */
export function namesIn(text: string): string[] {
  return isFile(text) ? [text] : text.split(',').map((name) => name.trim());
}

/**
 * The files of a flag: a list, or names with commas between them.
 * @param flag The flag's name in an error.
 * @throws CallerError for a missing file or an unknown format.
 */
export function filesNamed(names: string | readonly string[], flag: string): string[] {
  const files = typeof names === 'string' ? namesIn(names) : [...names];
  for (const file of files) {
    if (!isFile(file)) {
      throw new CallerError({ what: `no such file: ${file}`, where: flag, expected: 'a file of texts' });
    }
    if (!DATA_FORMATS.includes(extname(file).toLowerCase())) {
      throw new CallerError({
        what: `"${extname(file)}" is not a data format`,
        where: `${flag} ${file}`,
        expected: `a file that ends in ${DATA_FORMATS.join(', ')}`,
      });
    }
  }
  return files;
}
