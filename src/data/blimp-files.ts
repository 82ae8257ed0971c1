import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { readText } from './files.js';
import { parseJsonLines } from './json-lines.js';
import { isFile, isFolder, namesIn } from './split-files.js';
import { locationOf, type Table, type TableRow } from './table.js';

/** A sentence of good English and its bad counterpart. */
export interface BlimpPair {
  good: string;
  bad: string;
}

const EXPECTED =
  "BLiMP's .jsonl files: blimp:PATH with a file, files with commas between them, or a folder of them";

const COLUMNS = 'an object with two texts in each line, "sentence_good" and "sentence_bad"';

function isJsonLines(name: string): boolean {
  return name.toLowerCase().endsWith('.jsonl');
}

/**
 * The files that a path names: one, several with commas between them, or all .jsonl files of a folder.
 * @throws CallerError where one does not exist, or has another format.
 */
export function blimpFiles(path: string): string[] {
  const where = `--data blimp:${path}`;
  if (isFolder(path)) {
    const files = readdirSync(path).filter(isJsonLines).sort();
    if (files.length > 0) return files.map((file) => join(path, file));
    throw new CallerError({ what: 'no .jsonl file in the folder', where, expected: EXPECTED });
  }
  const files = namesIn(path);
  for (const file of files) {
    const wrong = isFile(file) ? !isJsonLines(file) && 'not a .jsonl file' : 'no such file';
    if (wrong) throw new CallerError({ what: `${wrong}: ${file}`, where, expected: EXPECTED });
  }
  return files;
}

/** A text without differences that a model does not see: those of white space and, mostly, of capitals. */
export function plainForm(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase();
}

function textIn(table: Table, { cells, number }: TableRow, column: string): string {
  const value = cells[table.columns.indexOf(column)];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new CallerError({
    what: `${value === undefined ? 'nothing' : describeValue(value)} in "${column}"`,
    where: locationOf(table, number),
    expected: COLUMNS,
  });
}

/** The pairs of a file. @throws CallerError with file and line where a line is not a pair of two different texts, or there is none. */
export async function readBlimp(file: string): Promise<BlimpPair[]> {
  const table = parseJsonLines(await readText(file, EXPECTED), file);
  if (table.rows.length === 0) throw new CallerError({ what: 'no pairs', where: file, expected: COLUMNS });
  return table.rows.map((row) => {
    const [good, bad] = ['sentence_good', 'sentence_bad'].map((column) => textIn(table, row, column));
    if (plainForm(good) !== plainForm(bad)) return { good, bad };
    throw new CallerError({
      what: `"sentence_good" and "sentence_bad" are the same, ${describeValue(good)}`,
      where: locationOf(table, row.number),
      expected: 'texts that differ in more than capitals and white space',
    });
  });
}
