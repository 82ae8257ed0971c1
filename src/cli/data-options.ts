import { Option } from 'commander';
import type { DataSource } from '../data/dataset.js';
import { type DataOptions, dataSource } from '../data/sources.js';
import type { Text } from '../grammar/custom-tags.js';
import { list } from './options.js';
import { note } from './terminal.js';

/** The flags that name data, its files and their columns. */
export interface DataFlags {
  data: string;
  dev?: string;
  test?: string;
  textColumn?: string;
  labelColumn?: string;
  tagsColumn?: string;
  labels?: string[];
}

/** The same as a run's record keeps it: files as lists of names, in which commas mean nothing. */
export type DataNames = Omit<DataFlags, 'data' | 'dev' | 'test'> & {
  data: string | string[];
  dev?: string | string[];
  test?: string | string[];
};

export function textColumnOption(): Option {
  return new Option('--text-column <name>', 'the column of the texts (default: sentence, else text)');
}

export function labelColumnOption(): Option {
  return new Option('--label-column <name>', 'the column of the labels (default: label)');
}

export function devOption(): Option {
  return new Option('--dev <files>', 'where --data is files: those of the development split');
}

function tagsColumnOption(): Option {
  return new Option(
    '--tags-column <name>',
    "a column with a tag of the rules for each word, instead of wink-nlp's tags",
  );
}

export function testOption(): Option {
  return new Option('--test <files>', 'where --data is files: those of the test split');
}

/** What a command that reads texts alone takes beside `--data`. */
export function textOptions(): Option[] {
  return [textColumnOption(), tagsColumnOption()];
}

/** What a command that reads all of a model's data takes beside `--data`. */
export function fileOptions(): Option[] {
  return [devOption(), testOption(), textColumnOption(), labelColumnOption(), tagsColumnOption()];
}

export function labelsOption(): Option {
  return new Option(
    '--labels <list>',
    'names of the classes in their order (default: the labels of the training split, sorted)',
  ).argParser(list);
}

/**
 * The data that flags name.
 * @param more Whatever the command knows of it beside.
 * @throws CallerError where they name none, or do not fit each other.
 */
export function dataOf(flags: DataNames, more: DataOptions = {}): DataSource {
  const { dev, test, textColumn, labelColumn, tagsColumn, labels } = flags;
  return dataSource(flags.data, { dev, test, textColumn, labelColumn, tagsColumn, labels, ...more });
}

/** Says so where texts are tagged by another than those that the model was trained on. */
export function noteOnTags(customTags: boolean, texts: readonly Text[]): void {
  const tagged = texts.filter(({ words }) => words).length;
  if (customTags && tagged < texts.length) {
    note(
      `This model was trained on custom tags; wink-nlp tags ${texts.length - tagged} of ` +
        `${texts.length} texts, which have none.`,
    );
  }
  if (!customTags && tagged > 0) {
    note(
      `This model was trained on wink-nlp's tags; it reads ${tagged} of ${texts.length} texts with custom tags.`,
    );
  }
}
