import { basename } from 'node:path';
import { CallerError, EngineError } from '../base/errors.js';
import type { Text } from '../grammar/custom-tags.js';
import { readDataFile } from './data-file.js';
import type { DataFile, ReadOptions } from './data-rows.js';
import type { DataSource, Example, Split } from './dataset.js';
import { areNumbers, classesOf, examplesOf } from './labels.js';
import type { SplitFiles } from './split-files.js';

export interface FileSourceOptions extends Pick<ReadOptions, 'columns' | 'tags'> {
  /** What outputs call the source. */
  name: string;
  files: SplitFiles;
  /** Names of the classes; the labels of the training split, else of the split that is read first, where left out. */
  classes?: readonly string[];
  /** Whether it is a folder of splits, which its name and a split's tell. */
  isFolder: boolean;
  /** What to do where a split has no files. */
  remedy: (split: Split) => string;
}

/** Files of texts, each read when its split is asked for; several files of a split one after the other. */
export class FileSource implements DataSource {
  readonly name: string;
  private known: readonly string[] | undefined;
  /** Whether labels may be the numbers of the classes: they are where these were given, or were found as numbers. */
  private numbers: boolean;
  private numbered = false;

  constructor(private readonly options: FileSourceOptions) {
    this.name = options.name;
    this.known = options.classes;
    this.numbers = options.classes !== undefined;
  }

  get byNumber(): boolean {
    return this.numbered;
  }

  get classes(): readonly string[] {
    if (this.known) return this.known;
    throw new EngineError({
      what: 'the classes are not known yet',
      where: this.name,
      remedy: 'read examples before, or name the classes',
    });
  }

  async examples(split: Split): Promise<Example[]> {
    const files = await this.read(split, true);
    if (!this.known) {
      const isTold = split === 'train' || !this.options.files.train;
      const telling = isTold ? files : await this.read('train', true);
      this.known = classesOf(telling);
      this.numbers = areNumbers(telling);
    }
    const { examples, byNumber } = examplesOf(files, this.known, this.numbers);
    // Where the source's own numbers made the classes, their names are these numbers', whatever they are.
    if (this.options.classes) this.numbered ||= byNumber;
    return examples;
  }

  async texts(split: Split): Promise<Text[]> {
    const files = await this.read(split, false);
    return files.flatMap(({ rows }) => rows.map(({ text, words }) => (words ? { text, words } : { text })));
  }

  async sentences(split: Split): Promise<string[]> {
    return (await this.texts(split)).map(({ text }) => text);
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
