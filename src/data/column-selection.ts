import { CallerError, describeJson } from '../base/errors.js';
import { parseTag, type TaggedWord, wordsWithTags } from '../grammar/custom-tags.js';
import type { Tag } from '../grammar/rules.js';
import type { ColumnNames, DataFile, DataRow, ReadOptions } from './data-rows.js';
import { columnOf, locationOf, type Table } from './table.js';

function textColumns({ text }: ColumnNames): readonly string[] {
  return text === undefined ? ['sentence', 'text'] : [text];
}

function labelColumn({ label = 'label' }: ColumnNames): string {
  return label;
}

/** The columns to read from a file. */
export function columnsToRead(columns: ColumnNames): string[] {
  return [
    ...textColumns(columns),
    labelColumn(columns),
    ...(columns.tags === undefined ? [] : [columns.tags]),
  ];
}

function describeCell(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  // A text column of parquet whose bytes are not UTF-8.
  if (value instanceof Uint8Array) return 'bytes that are not UTF-8';
  if (typeof value === 'bigint') return `${value}`;
  return describeJson(typeof value === 'object' ? JSON.parse(JSON.stringify(value, bigintAsText)) : value);
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}

function textOf(value: unknown, column: string, where: string): string {
  if (typeof value === 'string') return value;
  throw new CallerError({
    what: `${describeCell(value)} in column "${column}"`,
    where,
    expected: value instanceof Uint8Array ? 'text in UTF-8' : 'a text, which may be empty',
  });
}

/**
 * A label as text, without white space around it: a name, or the digits of a number.
 * @param names The class names of the column's integers, where the file has them.
 */
function labelOf(
  value: unknown,
  column: string,
  names: readonly string[] | undefined,
  where: string,
): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'boolean') return `${value}`;
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
  if (!isNumber) {
    throw new CallerError({
      what: `${describeCell(value)} in column "${column}"`,
      where,
      expected: 'the name or the number of a class',
    });
  }
  if (!names) return `${value}`;
  const name = names[Number(value)];
  if (name !== undefined) return name.trim();
  throw new CallerError({
    what: Number(value) === -1 ? 'label -1, which means no label' : `label ${value} is not a class`,
    where,
    expected: `0 to ${names.length - 1}: ${names.join(', ')}, as the file says`,
  });
}

function wordsOf(
  text: string,
  value: unknown,
  column: string,
  tags: readonly Tag[] | undefined,
  where: string,
): TaggedWord[] {
  const written = typeof value === 'string' ? (value.match(/\S+/g) ?? []) : value;
  if (!Array.isArray(written)) {
    throw new CallerError({
      what: `${describeCell(value)} in column "${column}"`,
      where,
      expected: 'a tag for each word of the text: separated by spaces, or a list',
    });
  }
  return wordsWithTags(
    text,
    // Parquet has integers of 64 bits.
    written.map((tag) => checkedTag(typeof tag === 'bigint' ? Number(tag) : tag, tags, where)),
    where,
  );
}

/** @throws CallerError for a value that is not a tag, or is not among `tags`. */
export function checkedTag(tag: unknown, tags: readonly Tag[] | undefined, where: string): Tag {
  if (tags) return parseTag(tag, tags, where);
  if (typeof tag === 'string' || typeof tag === 'number') return tag;
  throw new CallerError({ what: `${describeCell(tag)} as a tag`, where, expected: 'a name or an integer' });
}

/**
 * The texts of a table, with labels and tags where these are requested.
 * @throws CallerError with file and row where a column is missing or a value has the wrong type.
 */
export function rowsOf(table: Table, { columns, labels, tags }: ReadOptions): DataFile {
  const { file, counts } = table;
  // A file that starts with an empty line, and has more of them, has one column without a name.
  if (table.rows.length === 0 || table.columns.every((name) => name === '')) {
    throw new CallerError({ what: 'no rows', where: file, expected: 'the names of columns, then texts' });
  }
  const text = columnOf(table, textColumns(columns), '--text-column');
  const label = labels ? columnOf(table, [labelColumn(columns)], '--label-column') : undefined;
  const names = label === undefined ? undefined : table.classNames?.get(table.columns[label]);
  const tagged = columns.tags === undefined ? undefined : columnOf(table, [columns.tags], '--tags-column');
  const rows = table.rows.map(({ number, cells }): DataRow => {
    const where = locationOf(table, number);
    const row: DataRow = { number, text: textOf(cells[text], table.columns[text], where) };
    if (label !== undefined) row.label = labelOf(cells[label], table.columns[label], names, where);
    if (tagged !== undefined) {
      row.words = wordsOf(row.text, cells[tagged], table.columns[tagged], tags, where);
    }
    return row;
  });
  return { file, counts, rows, classNames: names?.map((name) => name.trim()) };
}
