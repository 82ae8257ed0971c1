import type { ColumnChunk, FileMetaData, PageHeader, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { checkRuns } from './parquet-runs.js';

/**
 * The most rows or values per byte of a file, and the number that any file may have. Runs and dictionaries compress well, but
 * a far higher count means damage, and the reader would allocate memory for it.
 */
const MOST_PER_BYTE = 16;
const MOST_ANYWAY = 65_536;

/** Values of a page: writers make pages of a megabyte, or of some thousands of rows. */
const MOST_IN_PAGE = 2 ** 22;

/** The highest ratio of snappy, rounded up: a copy of 64 bytes takes three. */
const SNAPPY_RATIO = 22;

/** @throws Error where a count is missing, negative, or too high for a file of this length. */
function checkedCount(count: unknown, what: string, bytes: number): number {
  const most = MOST_PER_BYTE * bytes + MOST_ANYWAY;
  if (count !== undefined && Number(count) >= 0 && Number(count) <= most) return Number(count);
  throw new Error(`${count} ${what} in ${bytes} bytes`);
}

/** @throws Error where the row groups do not add up to the file's rows, or there are too many rows. */
export function checkRows({ num_rows: rows, row_groups: groups }: FileMetaData, bytes: number): void {
  const total = checkedCount(rows, 'rows', bytes);
  const sum = groups.reduce((soFar, group) => soFar + checkedCount(group.num_rows, 'rows', bytes), 0);
  if (sum !== total) throw new Error(`${total} rows, and ${sum} in its groups`);
}

function isCount(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

/** The number of values of a page. @throws Error where its header has no or an impossible length or count. */
function valuesOf(header: PageHeader, room: number): number {
  const { compressed_page_size: length, dictionary_page_header, data_page_header } = header;
  const second = header.data_page_header_v2;
  if (!isCount(length, room)) throw new Error(`a page of ${length} bytes`);
  const { num_values: count } = dictionary_page_header ?? data_page_header ?? second ?? {};
  if (!isCount(count, MOST_IN_PAGE)) throw new Error(`a page of ${count} values`);
  if (second) {
    const levels = [second.definition_levels_byte_length, second.repetition_levels_byte_length];
    if (!levels.every((bytes) => isCount(bytes, length)) || levels[0] + levels[1] > length) {
      throw new Error(`levels of ${levels.join(' and ')} bytes in a page of ${length}`);
    }
    if (!isCount(second.num_nulls, count!) || !isCount(second.num_rows, count!)) {
      throw new Error(`${second.num_nulls} nulls and ${second.num_rows} rows in a page of ${count} values`);
    }
  }
  return count!;
}

/**
 * Checks the pages of a column chunk.
 * @param path From the schema's root to the column.
 * @param rows The expected number of values; undefined where a row may have several.
 * @throws Error where a page ends outside the chunk, the pages' numbers of values do not add up to that of the chunk, or a run
 * is longer than its page.
 */
export function checkPages(
  bytes: Uint8Array,
  { meta_data: part }: ColumnChunk,
  path: SchemaTree[],
  rows: number | undefined,
): void {
  if (!part) throw new Error('a column without metadata');
  const values = checkedCount(part.num_values, 'values', bytes.length);
  if (rows !== undefined && rows !== values) throw new Error(`${values} values in ${rows} rows`);
  const begin = Number(part.dictionary_page_offset || part.data_page_offset);
  const size = Number(part.total_compressed_size);
  if (!(begin >= 0 && size >= 0 && begin + size <= bytes.length)) {
    throw new Error(`a column from byte ${begin} to ${begin + size} of ${bytes.length}`);
  }
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset + begin, size), offset: 0 };
  let seen = 0;
  while (seen < values) {
    const header = parquetHeader(reader);
    const room = size - reader.offset;
    const count = valuesOf(header, room);
    const { compressed_page_size: length, uncompressed_page_size: plain } = header;
    const mostPlain = part.codec === 'SNAPPY' ? SNAPPY_RATIO * length + 64 : Number.POSITIVE_INFINITY;
    if (!isCount(plain, mostPlain)) throw new Error(`${plain} bytes compressed to ${length}`);
    const at = begin + reader.offset;
    checkRuns(bytes.subarray(at, at + length), header, part, path);
    reader.offset += length;
    if (!header.dictionary_page_header) seen += count;
  }
  if (seen !== values) throw new Error(`${seen} values in pages of a column of ${values}`);
}
