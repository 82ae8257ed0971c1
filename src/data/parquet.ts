import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { CallerError } from '../gpu/errors.js';
import type { Table } from './tables.js';

/**
 * Reads a parquet file, uncompressed or compressed with snappy.
 * @param wanted The columns that are needed, as far as the file has them; the cells of others stay `undefined`.
 * @throws CallerError where it is no such file.
 */
export async function readParquet(
  bytes: Uint8Array,
  file: string,
  wanted: readonly string[],
): Promise<Table> {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  try {
    const metadata = parquetMetadata(buffer);
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    const read = columns.filter((column) => wanted.includes(column));
    const objects =
      read.length > 0
        ? await parquetReadObjects({ file: buffer, metadata, columns: read })
        : Array.from({ length: Number(metadata.num_rows) }, () => ({}) as Record<string, unknown>);
    const rows = objects.map((object, index) => ({
      number: index + 1,
      cells: columns.map((column) => object[column]),
    }));
    return { file, columns, rows, counts: 'rows' };
  } catch (cause) {
    throw new CallerError(
      {
        what: `cannot be read as parquet (${(cause as Error).message})`,
        where: file,
        expected: 'a parquet file, uncompressed or compressed with snappy',
      },
      { cause },
    );
  }
}
