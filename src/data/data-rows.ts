import type { TaggedWord } from '../grammar/custom-tags.js';
import type { Tag } from '../grammar/rules.js';
import type { Table } from './table.js';

/** A text as a file has it: its label is not yet known to be a class. */
export interface DataRow {
  /** The line, or the row where the file has no lines. */
  number: number;
  text: string;
  /** Without white space around it. */
  label?: string;
  words?: readonly TaggedWord[];
}

/** The texts of a file. */
export interface DataFile extends Pick<Table, 'file' | 'counts'> {
  rows: DataRow[];
  /** The names of all classes in their order, where the file says what its labels' numbers stand for. */
  classNames?: readonly string[];
}

/** Names of a file's columns. */
export interface ColumnNames {
  /** `sentence`, else `text`, where left out. */
  text?: string;
  /** `label` where left out. */
  label?: string;
  /** A tag for each word of the text; where left out, words have no tags of their own. */
  tags?: string;
}

/** What is to be read of a file. */
export interface ReadOptions {
  columns: ColumnNames;
  /** Whether every text must have a label. */
  labels: boolean;
  /** Tags that words may carry; any where left out. */
  tags?: readonly Tag[];
}
