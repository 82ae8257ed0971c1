import { CallerError } from '../base/errors.js';

/** A row of a file, with its number for error messages. */
export interface TableRow {
  number: number;
  /** By column: text in TSV and CSV, any value in JSON and parquet, `undefined` where the row does not have the column. */
  cells: readonly unknown[];
}

/** A file of rows and named columns, in any format. */
export interface Table {
  file: string;
  columns: readonly string[];
  rows: readonly TableRow[];
  /** Whether row numbers count the lines of the file or, in a file without lines, the rows; both from 1. */
  counts: 'lines' | 'rows';
  /** The class names of integer columns, where the file has them. */
  classNames?: ReadonlyMap<string, readonly string[]>;
}

/** The location of a row in errors. */
export function locationOf({ file, counts }: Pick<Table, 'file' | 'counts'>, number: number): string {
  return counts === 'lines' ? `${file}:${number}` : `${file}, row ${number}`;
}

/**
 * The index of a column.
 * @param names The first of these that the table has.
 * @param flag The flag that names another column.
 * @throws CallerError with the table's columns, where none or two have the name.
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
  throw new CallerError({ what: `column "${name}" is there twice`, where: locationOf(table, 1) });
}
