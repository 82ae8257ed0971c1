import { CallerError, type ErrorParts } from '../base/errors.js';
import type { Table, TableRow } from './table.js';

const QUOTE = '"';
const SEPARATOR = ',';
const PLAIN = /[^",\r\n]*/y;

/** Reads the fields of a CSV file one by one; it knows the line that it is at, so that every complaint can name it. */
class CsvReader {
  private at = 0;
  private line = 1;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  /** True behind the last record. */
  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** The next record, with the line that it begins in. */
  record(): TableRow {
    const number = this.line;
    const cells = [this.field()];
    while (this.text[this.at] === SEPARATOR) {
      this.at++;
      cells.push(this.field());
    }
    this.lineBreak();
    return { number, cells };
  }

  private field(): string {
    return this.text[this.at] === QUOTE ? this.quoted() : this.plain();
  }

  private plain(): string {
    PLAIN.lastIndex = this.at;
    const [field] = PLAIN.exec(this.text)!;
    this.at += field.length;
    if (this.text[this.at] === QUOTE) {
      throw this.error(this.line, {
        what: 'a quotation mark inside a field that does not begin with one',
        expected: 'the field in quotation marks, and those inside doubled',
      });
    }
    return field;
  }

  private quoted(): string {
    const firstLine = this.line;
    const parts: string[] = [];
    for (;;) {
      const begin = this.at + 1;
      const end = this.text.indexOf(QUOTE, begin);
      if (end < 0) {
        throw this.error(firstLine, {
          what: 'a quotation mark is opened here and never closed',
          expected: 'a field between two of them',
        });
      }
      const part = this.text.slice(begin, end);
      parts.push(part);
      this.line += part.split('\n').length - 1;
      this.at = end + 1;
      // Two of them are one that is meant: the field goes on with the text behind the second.
      if (this.text[this.at] !== QUOTE) return parts.join(QUOTE);
    }
  }

  private lineBreak(): void {
    if (this.ended) return;
    if (this.text.startsWith('\r\n', this.at)) this.at += 2;
    else if (this.text[this.at] === '\n') this.at++;
    else {
      throw this.error(this.line, {
        what: `${JSON.stringify(this.text[this.at])} behind a field`,
        expected: 'a comma or the end of the line',
      });
    }
    this.line++;
  }

  private error(line: number, parts: ErrorParts): CallerError {
    return new CallerError({ ...parts, where: `${this.file}:${line}` });
  }
}

/** True for what an empty line is read as. */
function isEmptyLine({ cells }: TableRow): boolean {
  return cells.length === 1 && cells[0] === '';
}

/**
 * Parses a CSV file as RFC 4180 describes it: a header line, fields between commas, and in quotation marks where they hold
 * commas, quotation marks (doubled) or line breaks. A byte order mark and either kind of line break are welcome. Empty lines
 * are passed over, but where there is only one column: there they are rows.
 * @throws CallerError with file and line where it is no such file.
 */
export function parseCsv(text: string, file: string): Table {
  const reader = new CsvReader(text.replace(/^\ufeff/, ''), file);
  const columns = reader.ended ? [] : (reader.record().cells as string[]);
  const rows: TableRow[] = [];
  while (!reader.ended) {
    const row = reader.record();
    if (isEmptyLine(row) && columns.length > 1) continue;
    if (row.cells.length !== columns.length) {
      throw new CallerError({
        what: `${row.cells.length} fields`,
        where: `${file}:${row.number}`,
        expected: `${columns.length} (${columns.join(', ')}), separated by commas`,
        remedy: 'a field that holds commas stands in quotation marks',
      });
    }
    rows.push(row);
  }
  return { file, columns, rows, counts: 'lines' };
}
