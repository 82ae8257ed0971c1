import { CallerError } from '../base/errors.js';
import type { Table, TableRow } from './table.js';

/**
 * Parses a file of GLUE's: a header line, then tab-separated fields. Quotation marks are characters like any other. Empty
 * lines are passed over, but where there is only one column: there they are rows.
 * @throws CallerError with file and line where a row has more or fewer fields than there are columns.
 */
export function parseTsv(text: string, file: string): Table {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  // What stands behind the last line break is no line.
  if (lines.at(-1) === '') lines.pop();
  const columns = (lines[0] ?? '').split('\t');
  const rows: TableRow[] = [];
  for (let index = 1; index < lines.length; index++) {
    if (lines[index] === '' && columns.length > 1) continue;
    const cells = lines[index].split('\t');
    if (cells.length !== columns.length) {
      throw new CallerError({
        what: `${cells.length} fields`,
        where: `${file}:${index + 1}`,
        expected: `${columns.length} (${columns.join(', ')}), separated by tabs`,
      });
    }
    rows.push({ number: index + 1, cells });
  }
  return { file, columns, rows, counts: 'lines' };
}
