import { CallerError } from '../gpu/errors.js';
import type { Example } from './dataset.js';

/** Rows of a GLUE file: a header line, then tab-separated fields. Quotation marks are characters like any other. */
interface TsvTable {
  file: string;
  columns: string[];
  /** Fields of each row with its line number in the file. */
  rows: { line: number; fields: string[] }[];
}

function parseTable(text: string, file: string): TsvTable {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const columns = lines[0].split('\t');
  const rows: TsvTable['rows'] = [];
  for (let index = 1; index < lines.length; index++) {
    if (lines[index] === '') continue;
    const fields = lines[index].split('\t');
    if (fields.length !== columns.length) {
      throw new CallerError({
        what: `${fields.length} fields`,
        where: `${file}:${index + 1}`,
        expected: `${columns.length} (${columns.join(', ')}), separated by tabs`,
      });
    }
    rows.push({ line: index + 1, fields });
  }
  if (rows.length === 0)
    throw new CallerError({ what: 'no rows', where: file, expected: 'a header line, then sentences' });
  return { file, columns, rows };
}

function columnOf(table: TsvTable, name: string): number {
  const column = table.columns.indexOf(name);
  if (column >= 0) return column;
  throw new CallerError({
    what: `no column "${name}"`,
    where: `${table.file}:1`,
    expected: `it among: ${table.columns.join(', ')}`,
  });
}

/** The column `sentence` of a GLUE file. @throws CallerError with file and line where it is no such file. */
export function parseSentences(text: string, file: string): string[] {
  const table = parseTable(text, file);
  const column = columnOf(table, 'sentence');
  return table.rows.map(({ fields }) => fields[column]);
}

/**
 * The columns `sentence` and `label` of a GLUE file.
 * @param classes Labels are 0 to classes - 1.
 * @throws CallerError with file and line where it is no such file, or a label is no class.
 */
export function parseExamples(text: string, file: string, classes: number): Example[] {
  const table = parseTable(text, file);
  const sentence = columnOf(table, 'sentence');
  const label = columnOf(table, 'label');
  return table.rows.map(({ line, fields }) => {
    const value = Number(fields[label]);
    if (!/^\d+$/.test(fields[label]) || value >= classes) {
      throw new CallerError({
        what: `label "${fields[label]}" is no class`,
        where: `${file}:${line}`,
        expected: `a whole number from 0 to ${classes - 1}`,
      });
    }
    return { text: fields[sentence], label: value };
  });
}
