import type { ColumnMetaData, PageHeader, SchemaTree } from 'hyparquet';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';

/** Values that the last run may have after the end: writers fill the last group of eight, and some write several groups. */
const PADDING = 4096;

/** Reads the runs (RLE or bit-packed) of a page. */
class RunReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The length before the runs. */
  length(): number {
    if (this.at + 4 > this.bytes.length) throw new Error('a page ends in the length of its runs');
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.at += 4;
    return view.getUint32(this.at - 4, true);
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  /**
   * Skips runs of at least `count` values, or up to the end of the page.
   * @throws Error where a run is longer than `count`: the reader would fill memory before it noticed.
   */
  runs(width: number, count: number, length = this.bytes.length - this.at): void {
    const end = this.at + length;
    let seen = 0;
    while (seen < count && this.at < Math.min(end, this.bytes.length)) {
      const header = this.header();
      const isPacked = (header & 1) === 1;
      const run = isPacked ? 8 * (header >>> 1) : header >>> 1;
      if (seen + run > count + PADDING) throw new Error(`a run of ${run} among ${count} values`);
      this.at += isPacked ? (header >>> 1) * width : (width + 7) >> 3;
      seen += run;
    }
    this.at = end;
  }

  private header(): number {
    let header = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) return header >>> 0;
    }
    throw new Error('the length of a run does not end');
  }
}

function bitsOf(most: number): number {
  return 32 - Math.clz32(most);
}

function isIndexed(encoding: string): boolean {
  return encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY';
}

/** Checks a page of version 1: levels, then indexes into a dictionary. */
function checkFirst(page: Uint8Array, header: PageHeader, path: SchemaTree[], isBoolean: boolean): void {
  const { num_values: count, encoding } = header.data_page_header!;
  const reader = new RunReader(page);
  for (const most of [getMaxRepetitionLevel(path), getMaxDefinitionLevel(path)]) {
    if (most > 0) reader.runs(bitsOf(most), count, reader.length());
  }
  if (isIndexed(encoding)) reader.runs(reader.byte(), count);
  else if (encoding === 'RLE' && isBoolean) reader.runs(1, count, reader.length());
}

/** Checks a page of version 2: uncompressed levels, then compressed values. */
function checkSecond(
  bytes: Uint8Array,
  values: () => Uint8Array,
  header: PageHeader,
  path: SchemaTree[],
): void {
  const second = header.data_page_header_v2!;
  const { num_values: count, encoding } = second;
  const levels = [
    [getMaxRepetitionLevel(path), second.repetition_levels_byte_length],
    [getMaxDefinitionLevel(path), second.definition_levels_byte_length],
  ];
  const reader = new RunReader(bytes);
  for (const [most, length] of levels) {
    if (most > 0) reader.runs(bitsOf(most), count, length);
    else reader.skip(length);
  }
  if (!isIndexed(encoding) && encoding !== 'RLE') return;
  const indexes = new RunReader(values());
  if (encoding === 'RLE') indexes.runs(1, count, indexes.length());
  else indexes.runs(indexes.byte(), count);
}

/**
 * Checks that no run of a page is longer than the page's number of values.
 * @param bytes The page in the file, without its header.
 * @param path From the schema's root to the column.
 * @throws Error where one is.
 */
export function checkRuns(
  bytes: Uint8Array,
  header: PageHeader,
  { codec, type }: Pick<ColumnMetaData, 'codec' | 'type'>,
  path: SchemaTree[],
): void {
  const { uncompressed_page_size: plain, data_page_header_v2: second } = header;
  if (header.data_page_header) {
    checkFirst(decompressPage(bytes, plain, codec, undefined), header, path, type === 'BOOLEAN');
  } else if (second) {
    const before = second.definition_levels_byte_length + second.repetition_levels_byte_length;
    const values = () => {
      const rest = bytes.subarray(before);
      return second.is_compressed === false ? rest : decompressPage(rest, plain - before, codec, undefined);
    };
    checkSecond(bytes, values, header, path);
  }
}
