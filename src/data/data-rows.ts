import type { TaggedWord } from '../grammar/custom-tags.js';
import type { Tag } from '../grammar/rules.js';
import type { Table } from './table.js';

/** A text from a file. Its label is not yet matched to a class. */
export interface DataRow {
  /** The number of its line, or of its row in a file without lines. */
  number: number;
  text: string;
  /** Without white space around it. */
  label?: string;
  words?: readonly TaggedWord[];
}

/** The texts of a file. */
export interface DataFile extends Pick<Table, 'file' | 'counts'> {
  rows: DataRow[];
  /** The names of all classes by number, where the file has them. */
  classNames?: readonly string[];
}

/** Names of a file's columns for texts, labels and tags. */
export interface ColumnNames {
  /** `sentence`, else `text` by default. */
  text?: string;
  /** `label` by default. */
  label?: string;
  /** The column with a tag for each word; by default, words have no custom tags. */
  tags?: string;
}

/** What to read from a file. */
export interface ReadOptions {
  columns: ColumnNames;
  /** Whether every text must have a label. */
  labels: boolean;
  /** Tags that words may have; any by default. */
  tags?: readonly Tag[];
}
