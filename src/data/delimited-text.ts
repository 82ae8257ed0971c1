import { type CsvError, type CsvErrorCode, parse } from 'csv-parse/sync';
import { CallerError } from '../base/errors.js';
import type { Table, TableRow } from './table.js';

const CSV_ERRORS: Partial<Record<CsvErrorCode, string>> = {
  INVALID_OPENING_QUOTE: 'a quotation mark inside a field that does not begin with one',
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is opened and never closed',
  CSV_INVALID_CLOSING_QUOTE: 'text after the quotation mark that closes a field',
};

/**
 * A header line and rows of as many fields. Empty lines are passed over, except where there is only one column: there they
 * are rows.
 * @throws CallerError with file and line where a row has more or fewer fields than there are columns.
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
 * Parses a TSV file as GLUE writes it: fields between tabs, where quotation marks are characters like any other.
 * @throws CallerError with file and line where a row has more or fewer fields than there are columns.
 */
export function parseTsv(text: string, file: string): Table {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  // Text after the last line break would be a line; nothing after it is none.
  if (lines.at(-1) === '' && lines.length > 1) lines.pop();
  const records = lines.map((line, index) => ({ number: index + 1, cells: line.split('\t') }));
  return tableOf(records, file, 'tabs');
}

/**
 * Parses a CSV file as RFC 4180 describes it: fields between commas, and in quotation marks where they hold commas, quotation
 * marks (doubled) or line breaks. A byte order mark and either kind of line break are accepted.
 * @throws CallerError with file and line where it is no such file.
 */
export function parseCsv(text: string, file: string): Table {
  const records: TableRow[] = [];
  // The parser's own count takes "\r\n" in quotation marks for two lines.
  let number = 1;
  const on_record = (cells: string[]) => {
    records.push({ number, cells });
    for (const cell of cells) if (cell.includes('\n')) number += cell.split('\n').length - 1;
    number++;
    return null;
  };
  try {
    parse(text, { bom: true, record_delimiter: ['\n', '\r\n'], relax_column_count: true, on_record });
  } catch (error) {
    throw new CallerError({
      what: `in the row that begins here, ${CSV_ERRORS[(error as CsvError).code] ?? (error as CsvError).message}`,
      where: `${file}:${number}`,
      expected: 'a field that holds quotation marks in quotation marks, and those inside doubled',
    });
  }
  return tableOf(records, file, 'commas', 'put a field that holds commas in quotation marks');
}
