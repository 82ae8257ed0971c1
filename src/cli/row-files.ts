import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { csvOf } from '../report/page/downloads.js';
import { OutputOption } from './output-files.js';

/** A row of a result, by the names of its columns. */
export type Row = Readonly<Record<string, string | number | boolean>>;

/** The texts of a file of rows, by its ending. */
const FORMATS: Readonly<Record<string, (rows: readonly Row[]) => string>> = {
  '.csv': (rows) => csvOf([Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(String))]),
  '.jsonl': (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
};

/** An option for a file of rows: `--out rows.csv`. */
export function rowsOption(flags: string, description: string): OutputOption {
  const option = new OutputOption(flags, description);
  option.argParser((path: string) => {
    if (extname(path).toLowerCase() in FORMATS) return path;
    throw new InvalidArgumentError(`expected a name that ends in ${Object.keys(FORMATS).join(' or ')}`);
  });
  return option;
}

/** Rows, all with the same columns, as the text of a file of this name. */
export function rowsText(path: string, rows: readonly Row[]): string {
  return FORMATS[extname(path).toLowerCase()](rows);
}
