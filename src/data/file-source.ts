import { basename } from 'node:path';
import { CallerError, EngineError } from '../base/errors.js';
import type { Text } from '../grammar/custom-tags.js';
import { readDataFile } from './data-file.js';
import type { DataFile, ReadOptions } from './data-rows.js';
import type { DataSource, Example, Split } from './dataset.js';
import { areNumbers, classesOf, examplesOf } from './labels.js';
import type { SplitFiles } from './split-files.js';

export interface FileSourceOptions extends Pick<ReadOptions, 'columns' | 'tags'> {
  /** The source's name in outputs. */
  name: string;
  files: SplitFiles;
  /** Names of the classes. By default, the labels of the training split, or else of the first split that is read. */
  classes?: readonly string[];
  /** Whether it is a folder of splits: its name and the split then identify the data. */
  isFolder: boolean;
  /** The remedy in an error about a missing split. */
  remedy: (split: Split) => string;
}

/** Files of texts. A split is read when it is requested, one file after the other. */
export class FileSource implements DataSource {
  readonly name: string;
  private classNames: readonly string[] | undefined;
  /** Whether labels may be class numbers: the classes were named, or the labels were found to be numbers. */
  private mayBeNumbers: boolean;
  private areByNumber = false;

  constructor(private readonly options: FileSourceOptions) {
    this.name = options.name;
    this.classNames = options.classes;
    this.mayBeNumbers = options.classes !== undefined;
  }

  get byNumber(): boolean {
    return this.areByNumber;
  }

  get classes(): readonly string[] {
    if (this.classNames) return this.classNames;
    throw new EngineError({
      what: 'the classes are not known yet',
      where: this.name,
      remedy: 'read examples before, or name the classes',
    });
  }

  /** Whether there are files of a split. */
  has(split: Split): boolean {
    return this.options.files[split] !== undefined;
  }

  async examples(split: Split): Promise<Example[]> {
    const files = await this.read(split, true);
    if (!this.classNames) {
      const isTold = split === 'train' || !this.options.files.train;
      const telling = isTold ? files : await this.read('train', true);
      this.classNames = classesOf(telling);
      this.mayBeNumbers = areNumbers(telling);
    }
    const { examples, byNumber } = examplesOf(files, this.classNames, this.mayBeNumbers);
    // Classes that were found in the files are named by their numbers.
    if (this.options.classes) this.areByNumber ||= byNumber;
    return examples;
  }

  async texts(split: Split): Promise<Text[]> {
    const files = await this.read(split, false);
    return files.flatMap(({ rows }) => rows.map(({ text, words }) => (words ? { text, words } : { text })));
  }

  nameOf(split: Split): string {
    const { files, name, isFolder } = this.options;
    return isFolder ? `${name} (${split})` : (files[split] ?? []).map((file) => basename(file)).join(',');
  }

  private async read(split: Split, labels: boolean): Promise<DataFile[]> {
    const { files, columns, tags, remedy, name } = this.options;
    const paths = files[split];
    if (!paths) {
      throw new CallerError({ what: `no file of the split "${split}"`, where: name, remedy: remedy(split) });
    }
    const read: DataFile[] = [];
    for (const path of paths) read.push(await readDataFile(path, { columns, labels, tags }));
    return read;
  }
}
