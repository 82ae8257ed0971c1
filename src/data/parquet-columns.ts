import { isUtf8 } from 'node:buffer';
import { type KeyValue, parquetMetadata, parquetRead, parquetSchema } from 'hyparquet';
import { getMaxRepetitionLevel, getTreePath } from 'hyparquet/src/schema.js';
import { checkPages, checkRows } from './parquet-pages.js';

/** The columns that were read from a parquet file. */
export interface ParquetColumns {
  /** Names of all columns. */
  columns: string[];
  /** The number of rows of the file. */
  count: number;
  /** Indexes of the columns that were read. */
  read: number[];
  /** The cells of these columns for each row. Text that is not UTF-8 stays bytes. */
  rows: unknown[][];
  /** The class names of `ClassLabel` columns (Hugging Face's `datasets`). */
  classNames: Record<string, string[]>;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textOf(bytes: Uint8Array | undefined): unknown {
  // A copy: the bytes are a view of the whole file.
  return bytes && (isUtf8(bytes) ? decoder.decode(bytes) : bytes.slice());
}

/** The class names in the metadata of Hugging Face's `datasets`. @throws Error for invalid metadata. */
function classNamesOf(metadata: readonly KeyValue[] = []): Record<string, string[]> {
  const text = metadata.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return {};
  const features: unknown = JSON.parse(text)?.info?.features;
  const names: [string, string[]][] = [];
  for (const [column, feature] of Object.entries(features ?? {})) {
    if (feature?._type !== 'ClassLabel' || !feature.names) continue;
    const list: unknown = feature.names;
    if (!Array.isArray(list) || !list.every((name) => typeof name === 'string')) {
      throw new Error(`the names of the classes of column ${JSON.stringify(column)} are not a list of texts`);
    }
    names.push([column, list]);
  }
  return Object.fromEntries(names);
}

/**
 * Reads columns of a parquet file. Its counts are first checked against its bytes. A malicious file may still take very long:
 * the caller must limit the time.
 * @throws Error for an invalid file.
 */
export async function parquetColumns(
  bytes: Uint8Array<ArrayBuffer>,
  wanted: readonly string[],
): Promise<ParquetColumns> {
  const metadata = parquetMetadata(bytes);
  checkRows(metadata, bytes.length);
  const schema = parquetSchema(metadata);
  const fields = schema.children;
  const columns = fields.map(({ element }) => element.name);
  const read = [...columns.keys()].filter(
    (column) => wanted.includes(columns[column]) && columns.indexOf(columns[column]) === column,
  );
  const names = read.map((column) => columns[column]);
  for (const { columns: parts, num_rows: rows } of metadata.row_groups) {
    for (const part of parts) {
      const { path_in_schema: path = [] } = part.meta_data ?? {};
      if (!names.includes(path[0])) continue;
      const steps = getTreePath(schema, path);
      checkPages(bytes, part, steps, getMaxRepetitionLevel(steps) === 0 ? Number(rows) : undefined);
    }
  }
  let rows: unknown[][] = [];
  if (names.length > 0) {
    await parquetRead({
      file: bytes.buffer,
      metadata,
      columns: names,
      rowFormat: 'array',
      // Invalid text is reported later, with its row.
      parsers: { stringFromBytes: (cell: Uint8Array) => textOf(cell) as string },
      onComplete: (all) => {
        rows = all;
      },
    });
  }
  const count = Number(metadata.num_rows);
  return { columns, count, read, rows, classNames: classNamesOf(metadata.key_value_metadata) };
}
