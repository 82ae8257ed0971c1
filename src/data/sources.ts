import { readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import * as v from 'valibot';
import { options as anyOptions, checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import type { Tag } from '../grammar/rules.js';
import { blimpSource, isBlimp } from './blimp-source.js';
import { type CorruptionName, corruptionName, corruptionSource } from './corruption-source.js';
import type { DataSource, Split } from './dataset.js';
import { DevShareSource } from './dev-share.js';
import { embeddedSource } from './embedded-corpus.js';
import { FileSource } from './file-source.js';
import { grampairSource, isGrampair } from './grampair-source.js';
import { checkedClasses, withClasses } from './labels.js';
import {
  filesNamed,
  filesOfFolder,
  isFile,
  isFolder,
  namesIn,
  namesOf,
  type SplitFiles,
} from './split-files.js';
import { sst2Source } from './sst2-download.js';

/** The columns, labels, tags and further files of a data source. */
export interface DataOptions {
  /** The column of the texts; `sentence`, else `text` by default. */
  textColumn?: string;
  /** The column of the labels; `label` by default. */
  labelColumn?: string;
  /** The column with a tag for each word; words have no custom tags by default. */
  tagsColumn?: string;
  /**
   * Names of the classes. Labels are these names or class numbers. By default, the labels of the training split name the
   * classes.
   */
  labels?: readonly string[];
  /** The source of these names in errors; `--labels` by default. */
  labelsFrom?: string;
  /** Tags that words may have (those of the rules); any by default. */
  tags?: readonly Tag[];
  /** Files of the development split, where the source is files: a list, or names with commas between them. */
  dev?: string | readonly string[];
  /** Files of the test split, where the source is files. */
  test?: string | readonly string[];
  /** The share of the training rows of files that is dev, drawn with `seed`; files have a split of their own by default. */
  devShare?: number;
  /** 42 by default. */
  seed?: number;
  /** The split that the source is, where it is files; `train` by default. */
  split?: Split;
}

const FILE_FLAGS = {
  textColumn: '--text-column',
  labelColumn: '--label-column',
  tagsColumn: '--tags-column',
  dev: '--dev',
  test: '--test',
  devShare: '--dev-share',
} as const;

/** @throws CallerError where an option is set that does not apply to this source. */
function refuse(options: DataOptions, names: readonly (keyof typeof FILE_FLAGS)[], source: string): void {
  const refused = names.find((name) => options[name] !== undefined);
  if (refused === undefined) return;
  throw new CallerError({
    what: `${FILE_FLAGS[refused]} with --data ${source}`,
    expected: 'it with files only',
    remedy: `leave it out, or name files with --data`,
  });
}

function namedSource(source: DataSource, options: DataOptions): DataSource {
  refuse(options, ['textColumn', 'labelColumn', 'tagsColumn', 'dev', 'test', 'devShare'], source.name);
  return options.labels ? withClasses(source, checkedClasses(options.labels, options.labelsFrom)) : source;
}

function namedFiles(
  name: string | readonly string[],
  { split = 'train', dev, test }: DataOptions,
): SplitFiles {
  if (split !== 'train' && { dev, test }[split] !== undefined) {
    throw new CallerError({
      what: `--${split} with --data ${name}, which is read as that split`,
      expected: 'one of them',
    });
  }
  return {
    [split]: filesNamed(name, '--data'),
    ...(dev !== undefined && { dev: filesNamed(dev, '--dev') }),
    ...(test !== undefined && { test: filesNamed(test, '--test') }),
  };
}

/** @throws CallerError where a name is neither a file, nor a list with at least one file. */
function checkExists(name: string): void {
  if (namesIn(name).some(isFile)) return;
  throw new CallerError({
    what: 'no such file, and no such folder',
    where: `--data ${name}`,
    expected:
      'a file of texts, a folder with train.tsv and dev.tsv or the like, sst2, embedded, grampair:LABEL, corrupt:KIND:SOURCE, or blimp:PATH',
  });
}

/** Whether a name is that of data that have splits of their own, not of files or a folder. */
export function isNamedSource(name: string): boolean {
  const isGenerated = name === 'embedded' || name === 'sst2' || isGrampair(name);
  return isGenerated || isBlimp(name) || corruptionName(name) !== undefined;
}

/**
 * The data of `--data`: `embedded`, `sst2`, `grampair:LABEL` (see `grampairSource`), `corrupt:KIND:SOURCE` (see
 * `corruptionSource`), `blimp:PATH` (see `blimpSource`), a folder with a file for each split (train, dev or validation, test), or
 * files: one name, a list, or names with commas between them. Files are .tsv as GLUE writes it, .csv, .jsonl or .json with an
 * object per line, .parquet or .conllu.
 * @throws CallerError for an unknown name, or an option that does not apply to it.
 */
export function dataSource(name: string | readonly string[], options: DataOptions = {}): DataSource {
  checkArgument(v.union([string, v.array(string)], 'a name, or a list of names'), name, 'name');
  checkArgument(anyOptions({}), options, 'options');
  const corruption = typeof name === 'string' ? corruptionName(name) : undefined;
  if (corruption) return corrupted(corruption, options);
  if (name === 'embedded') return namedSource(embeddedSource(), options);
  if (name === 'sst2') return namedSource(sst2Source(), options);
  if (typeof name === 'string' && isGrampair(name)) return namedSource(grampairSource(name), options);
  if (typeof name === 'string' && isBlimp(name)) return namedSource(blimpSource(name), options);
  const source = fileSource(name, options);
  const { devShare, seed = 42 } = options;
  if (devShare === undefined) return source;
  if (!source.has('dev')) return new DevShareSource(source, devShare, seed);
  throw new CallerError({
    what: `--dev-share ${devShare}`,
    where: source.name,
    expected: 'none: the data have a split dev',
    remedy: 'leave it out',
  });
}

function corrupted(corruption: CorruptionName, options: DataOptions): DataSource {
  refuse(options, ['labelColumn'], `${corruption.prefix}…`);
  const { labels, labelsFrom, ...ofSource } = options;
  const inner = dataSource(corruption.source, ofSource);
  const has = (split: Split) => !(inner instanceof FileSource) || inner.has(split);
  const source = corruptionSource(corruption, inner, has);
  return labels ? withClasses(source, checkedClasses(labels, labelsFrom)) : source;
}

function fileSource(name: string | readonly string[], options: DataOptions): FileSource {
  const { textColumn: text, labelColumn: label, tagsColumn: tags, labels } = options;
  const common = {
    columns: { text, label, tags },
    tags: options.tags,
    classes: labels && checkedClasses(labels, options.labelsFrom),
  };
  if (typeof name === 'string' && isFolder(name)) {
    refuse(options, ['dev', 'test'], name);
    const present = readdirSync(name).sort();
    return new FileSource({
      ...common,
      name: basename(resolve(name)),
      files: filesOfFolder(name),
      isFolder: true,
      remedy: (split) => `add one of these files: ${namesOf(split)}; there are: ${firstOf(present)}`,
    });
  }
  if (typeof name === 'string') checkExists(name);
  // A share of the files is dev, so that they are read as train.
  const { split = 'train' } = options.devShare === undefined ? options : {};
  const files = namedFiles(name, { ...options, split });
  return new FileSource({
    ...common,
    name: files[split]!.map((file) => basename(file)).join(','),
    files,
    isFolder: false,
    remedy: (missing) => (missing === 'train' ? 'name it with --data' : `name it with --${missing}`),
  });
}

/** The most names in a message. */
const MOST_NAMES = 10;

function firstOf(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const rest = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
