import { isUtf8 } from 'node:buffer';
import { type KeyValue, parquetMetadata, parquetRead, parquetSchema } from 'hyparquet';
import { getMaxRepetitionLevel, getTreePath } from 'hyparquet/src/schema.js';
import { checkPages, checkRows } from './parquet-pages.js';

/** What is read of a parquet file. */
export interface ParquetColumns {
  /** Names of all columns. */
  columns: string[];
  /** How many rows the file has. */
  count: number;
  /** Indexes of the columns that were read. */
  read: number[];
  /** For each row the cells of these. Text that is not UTF-8 stays bytes. */
  rows: unknown[][];
  /** Of columns whose numbers stand for classes (`ClassLabel` of Hugging Face's datasets), the names of these. */
  classNames: Record<string, string[]>;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textOf(bytes: Uint8Array | undefined): unknown {
  // A copy: the bytes are a view of the whole file.
  return bytes && (isUtf8(bytes) ? decoder.decode(bytes) : bytes.slice());
}

/** The names of classes that Hugging Face's `datasets` keeps beside the columns. @throws Error where they cannot be read. */
function classNamesOf(metadata: readonly KeyValue[] = []): Record<string, string[]> {
  const text = metadata.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return {};
  const features: unknown = JSON.parse(text)?.info?.features;
  const names: [string, string[]][] = [];
  for (const [column, feature] of Object.entries(features ?? {})) {
    if (feature?._type !== 'ClassLabel' || !feature.names) continue;
    const list: unknown = feature.names;
    if (!Array.isArray(list) || !list.every((name) => typeof name === 'string')) {
      throw new Error(`the names of the classes of column ${JSON.stringify(column)} are no list of texts`);
    }
    names.push([column, list]);
  }
  return Object.fromEntries(names);
}

/**
 * Reads columns of a parquet file. Its counts are checked against its bytes before they are believed; a file may still be made
 * so that reading it takes long, which is for the caller to bound.
 * @throws Error where it is no such file.
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
      // What is no text is told where its row is known.
      parsers: { stringFromBytes: (cell: Uint8Array) => textOf(cell) as string },
      onComplete: (all) => {
        rows = all;
      },
    });
  }
  const count = Number(metadata.num_rows);
  return { columns, count, read, rows, classNames: classNamesOf(metadata.key_value_metadata) };
}
