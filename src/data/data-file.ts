import { constants } from 'node:buffer';
import { extname } from 'node:path';
import { CallerError } from '../base/errors.js';
import { columnsToRead, rowsOf } from './column-selection.js';
import { conlluRows } from './conllu.js';
import type { DataFile, ReadOptions } from './data-rows.js';
import { parseCsv, parseTsv } from './delimited-text.js';
import { readBytesOf } from './files.js';
import { parseJsonLines } from './json-lines.js';
import { readParquet } from './parquet.js';
import type { Table } from './table.js';
import { decodeUtf8 } from './utf8.js';

const TEXT_FORMATS: Readonly<Record<string, (text: string, file: string) => Table>> = {
  '.tsv': parseTsv,
  '.csv': parseCsv,
  '.jsonl': parseJsonLines,
  '.json': parseJsonLines,
};

/** The extensions of data files. */
export const DATA_FORMATS: readonly string[] = [...Object.keys(TEXT_FORMATS), '.parquet', '.conllu'];

/** @throws CallerError where the bytes are not UTF-8, or longer than a string can be. */
function decode(bytes: Uint8Array, file: string): string {
  if (bytes.length > constants.MAX_STRING_LENGTH) {
    throw new CallerError({
      what: `${bytes.length} bytes, too many to be read at once`,
      where: file,
      remedy: 'split it, and name the parts with commas between them',
    });
  }
  return decodeUtf8(bytes, file);
}

/**
 * Reads a file of texts by its extension: .tsv, .csv, .jsonl or .json (an object per line), .parquet, .conllu.
 * @throws CallerError with file and line, or row, for an invalid file, or a missing column, label or tag.
 */
export async function readDataFile(file: string, wanted: ReadOptions): Promise<DataFile> {
  const ending = extname(file).toLowerCase();
  if (!DATA_FORMATS.includes(ending)) {
    throw new CallerError({
      what: `"${ending}" is not a data format`,
      where: file,
      expected: `a file that ends in ${DATA_FORMATS.join(', ')}`,
    });
  }
  const bytes = await readBytesOf(file, 'a file of texts');
  if (ending === '.conllu') return conlluRows(decode(bytes, file), file, wanted);
  const table =
    ending === '.parquet'
      ? await readParquet(bytes, file, columnsToRead(wanted.columns))
      : TEXT_FORMATS[ending](decode(bytes, file), file);
  return rowsOf(table, wanted);
}
