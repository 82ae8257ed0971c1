import { type CsvError, type CsvErrorCode, parse } from 'csv-parse/sync';
import { CallerError } from '../base/errors.js';
import { withLineFeeds } from '../base/line-ends.js';
import type { Table, TableRow } from './table.js';

const CSV_ERRORS: Partial<Record<CsvErrorCode, string>> = {
  INVALID_OPENING_QUOTE: 'a quotation mark inside a field that does not start with one',
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is opened and never closed',
  CSV_INVALID_CLOSING_QUOTE: 'text after the quotation mark that closes a field',
};

/**
 * A table from a header line and rows. Empty lines are skipped, but are rows where there is only one column.
 * @throws CallerError with file and line where a row does not have one field for each column.
 */
function tableOf([header, ...records]: TableRow[], file: string, delimiter: string, remedy?: string): Table {
  const columns = (header?.cells ?? []) as string[];
  const rows = records.filter(({ cells }) => columns.length === 1 || cells.length > 1 || cells[0] !== '');
  const wrong = rows.find(({ cells }) => cells.length !== columns.length);
  if (!wrong) return { file, columns, rows, counts: 'lines' };
  throw new CallerError({
    what: `${wrong.cells.length} fields`,
    where: `${file}:${wrong.number}`,
    expected: `${columns.length} (${columns.join(', ')}), separated by ${delimiter}`,
    remedy,
  });
}

/**
 * Parses a TSV file as GLUE writes it: fields between tabs. Quotation marks have no special meaning.
 * @throws CallerError with file and line where a row does not have one field for each column.
 */
export function parseTsv(text: string, file: string): Table {
  const lines = withLineFeeds(text.replace(/^\ufeff/, '')).split(/\r?\n/);
  // The last line break ends a line, and does not start an empty one.
  if (lines.at(-1) === '' && lines.length > 1) lines.pop();
  const records = lines.map((line, index) => ({ number: index + 1, cells: line.split('\t') }));
  return tableOf(records, file, 'tabs');
}

/**
 * Parses a CSV file (RFC 4180): fields between commas, quoted where they contain commas, quotation marks (doubled) or line
 * breaks. A byte order mark and all three kinds of line breaks are accepted.
 * @throws CallerError with file and line for an invalid file.
 */
export function parseCsv(text: string, file: string): Table {
  const records: TableRow[] = [];
  // The parser counts "\r\n" in quotation marks as two lines.
  let number = 1;
  const on_record = (cells: string[]) => {
    records.push({ number, cells });
    for (const cell of cells) if (cell.includes('\n')) number += cell.split('\n').length - 1;
    number++;
    return null;
  };
  try {
    const lines = withLineFeeds(text, { quotes: true });
    parse(lines, { bom: true, record_delimiter: ['\n', '\r\n'], relax_column_count: true, on_record });
  } catch (error) {
    throw new CallerError({
      what: `in the row that starts here, ${CSV_ERRORS[(error as CsvError).code] ?? (error as CsvError).message}`,
      where: `${file}:${number}`,
      expected: 'a field that holds quotation marks in quotation marks, and those inside doubled',
    });
  }
  return tableOf(records, file, 'commas', 'put a field that holds commas in quotation marks');
}
