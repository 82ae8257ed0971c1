import { extname } from 'node:path';
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
  return new OutputOption(flags, description, Object.keys(FORMATS));
}

/** Rows, all with the same columns, as the text of a file of this name; CSV for a device. */
export function rowsText(path: string, rows: readonly Row[]): string {
  const format = FORMATS[extname(path).toLowerCase()] ?? FORMATS['.csv'];
  return format(rows);
}
