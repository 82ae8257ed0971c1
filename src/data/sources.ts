import { readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import * as v from 'valibot';
import { options as anyOptions, checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import type { Tag } from '../grammar/rules.js';
import type { DataSource, Split } from './dataset.js';
import { embeddedSource } from './embedded-corpus.js';
import { FileSource } from './file-source.js';
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

/** What the files of a data source hold, and which there are beside the one that is named. */
export interface DataOptions {
  /** The column of the texts; `sentence`, else `text`, where left out. */
  textColumn?: string;
  /** The column of the labels; `label` where left out. */
  labelColumn?: string;
  /** A column with a tag for each word of the text; the words have no tags of their own where left out. */
  tagsColumn?: string;
  /**
   * Names of the classes, by label: labels are these names, or whole numbers. Where left out, the labels of the training
   * split name the classes.
   */
  labels?: readonly string[];
  /** Where these names come from, as errors say it; `--labels` where left out. */
  labelsFrom?: string;
  /** Tags that words may carry (those of the rules); any where left out. */
  tags?: readonly Tag[];
  /** Files of the development split, where the source is files: a list, or names with commas between them. */
  dev?: string | readonly string[];
  /** Files of the test split, where the source is files. */
  test?: string | readonly string[];
  /** The split that the source is, where it is files; `train` where left out. */
  split?: Split;
}

const FILE_FLAGS = {
  textColumn: '--text-column',
  labelColumn: '--label-column',
  tagsColumn: '--tags-column',
  dev: '--dev',
  test: '--test',
} as const;

/** @throws CallerError where an option is given that means nothing for this source. */
function refuse(options: DataOptions, names: readonly (keyof typeof FILE_FLAGS)[], source: string): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new CallerError({
    what: `${FILE_FLAGS[given]} beside --data ${source}`,
    expected: 'it beside files',
    remedy: `leave it out, or name files with --data`,
  });
}

function generatedOrDownloaded(source: DataSource, options: DataOptions): DataSource {
  refuse(options, ['textColumn', 'labelColumn', 'tagsColumn', 'dev', 'test'], source.name);
  return options.labels ? withClasses(source, checkedClasses(options.labels, options.labelsFrom)) : source;
}

function namedFiles(
  name: string | readonly string[],
  { split = 'train', dev, test }: DataOptions,
): SplitFiles {
  if (split !== 'train' && { dev, test }[split] !== undefined) {
    throw new CallerError({
      what: `--${split} beside --data ${name}, which is read as that split`,
      expected: 'one of them',
    });
  }
  return {
    [split]: filesNamed(name, '--data'),
    ...(dev !== undefined && { dev: filesNamed(dev, '--dev') }),
    ...(test !== undefined && { test: filesNamed(test, '--test') }),
  };
}

/** @throws CallerError where a name is neither a file's nor a folder's, nor the first of several files'. */
function checkThere(name: string): void {
  if (namesIn(name).some(isFile)) return;
  throw new CallerError({
    what: 'no such file, and no such folder',
    where: `--data ${name}`,
    expected: 'a file of texts, a folder with train.tsv and dev.tsv or the like, or sst2, or embedded',
  });
}

/**
 * The data that `--data` names: `embedded`, `sst2`, a folder with a file a split (train, dev or validation, test), or a file,
 * or several: a list, or names with commas between them. Files are .tsv as GLUE writes it, .csv, .jsonl or .json with an
 * object a line, .parquet or .conllu.
 * @throws CallerError where it names none of these, or an option means nothing for it.
 */
export function dataSource(name: string | readonly string[], options: DataOptions = {}): DataSource {
  checkArgument(v.union([string, v.array(string)], 'a name, or a list of names'), name, 'name');
  checkArgument(anyOptions({}), options, 'options');
  if (name === 'embedded') return generatedOrDownloaded(embeddedSource(), options);
  if (name === 'sst2') return generatedOrDownloaded(sst2Source(), options);
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
      remedy: (split) => `put one of these there: ${namesOf(split)}; there are: ${firstOf(present)}`,
    });
  }
  if (typeof name === 'string') checkThere(name);
  const files = namedFiles(name, options);
  const { split = 'train' } = options;
  return new FileSource({
    ...common,
    name: files[split]!.map((file) => basename(file)).join(','),
    files,
    isFolder: false,
    remedy: (missing) => (missing === 'train' ? 'name it with --data' : `name it with --${missing}`),
  });
}

/** Names that a message may list. */
const MOST_NAMES = 10;

function firstOf(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const rest = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
