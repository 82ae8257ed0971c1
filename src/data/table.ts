import { CallerError } from '../base/errors.js';

/** A row of a file, with the number by which a reader finds it there. */
export interface TableRow {
  number: number;
  /** By column. Text in TSV and CSV; what JSON or parquet have there elsewhere, `undefined` where a row lacks the column. */
  cells: readonly unknown[];
}

/** A file of rows and named columns, whatever its format. */
export interface Table {
  file: string;
  columns: readonly string[];
  rows: readonly TableRow[];
  /** What a row's number counts: lines of the file, from 1, or rows, from 1, where it has no lines. */
  counts: 'lines' | 'rows';
  /** Of columns whose whole numbers stand for classes, as the file says itself: the names of these. */
  classNames?: ReadonlyMap<string, readonly string[]>;
}

/** Where a row stands, as errors say it. */
export function locationOf({ file, counts }: Pick<Table, 'file' | 'counts'>, number: number): string {
  return counts === 'lines' ? `${file}:${number}` : `${file}, row ${number}`;
}

/**
 * The index of a column.
 * @param names Of these, the first that the table has.
 * @param flag By which another column would be named.
 * @throws CallerError with the columns that there are, where none has the name, or two have.
 */
export function columnOf(table: Table, names: readonly string[], flag: string): number {
  const name = names.find((candidate) => table.columns.includes(candidate));
  if (name === undefined) {
    throw new CallerError({
      what: `no column ${names.map((candidate) => `"${candidate}"`).join(' or ')}`,
      where: table.counts === 'lines' ? `${table.file}:1` : table.file,
      expected: `it among: ${table.columns.join(', ')}`,
      remedy: `name another with ${flag}`,
    });
  }
  const column = table.columns.indexOf(name);
  if (table.columns.indexOf(name, column + 1) < 0) return column;
  throw new CallerError({ what: `column "${name}" stands there twice`, where: locationOf(table, 1) });
}
