import fc from 'fast-check';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { readParquet } from '../../src/data/parquet.js';
import { CASES, runs } from '../support/arbitraries.js';

function parquet(columnData: ColumnSource[], rowGroupSize = 1000): Uint8Array {
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
}

describe('readParquet', () => {
  it('reads texts and labels with gaps, in any number of row groups, with and without snappy', async () => {
    const anyText = fc.option(fc.string({ unit: 'grapheme' }), { nil: null });
    const anyLabel = fc.option(fc.bigInt({ min: -5n, max: 5n }), { nil: null });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(anyText, anyLabel), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom('SNAPPY' as const, 'UNCOMPRESSED' as const),
        async (rows, size, codec) => {
          const columnData: ColumnSource[] = [
            { name: 'id', data: Int32Array.from(rows.keys()), type: 'INT32' },
            { name: 'text', data: rows.map(([text]) => text), type: 'STRING' },
            { name: 'label', data: rows.map(([, label]) => label), type: 'INT64' },
          ];
          const bytes = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: size, codec }));
          const table = await readParquet(bytes, 'f', ['label', 'text', 'other']);
          expect(table.columns).toEqual(['id', 'text', 'label']);
          expect(table.rows.map(({ number }) => number)).toEqual(rows.map((_, index) => index + 1));
          expect(table.rows.map(({ cells }) => [cells[1] ?? null, cells[2] ?? null])).toEqual(rows);
        },
      ),
      runs(50, 15),
    );
  });

  it('reads bytes inside a larger buffer', async () => {
    const bytes = parquet([{ name: 'text', data: ['a', 'b'], type: 'STRING' }]);
    const larger = new Uint8Array(bytes.length + 20).fill(7);
    larger.set(bytes, 10);
    const { rows } = await readParquet(larger.subarray(10, 10 + bytes.length), 'f', ['text']);
    expect(rows.map(({ cells }) => cells)).toEqual([['a'], ['b']]);
  });

  it('reads lists', async () => {
    const optional = { repetition_type: 'OPTIONAL' as const };
    const text = { type: 'BYTE_ARRAY' as const, converted_type: 'UTF8' as const };
    const schema = [
      { name: 'root', num_children: 1 },
      { name: 'tags', num_children: 1, converted_type: 'LIST' as const, ...optional },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' as const },
      { name: 'element', ...text, ...optional },
    ];
    const lists = [['DET', 'NOUN'], [], ['X']];
    const bytes = new Uint8Array(parquetWriteBuffer({ schema, columnData: [{ name: 'tags', data: lists }] }));
    const { columns, rows } = await readParquet(bytes, 'f', ['tags']);
    expect(columns).toEqual(['tags']);
    expect(rows.map(({ cells }) => cells[0])).toEqual(lists);
  });

  it('counts rows without reading columns', async () => {
    const bytes = parquet([{ name: 'review', data: ['a', 'b', 'c'], type: 'STRING' }]);
    const table = await readParquet(bytes, 'f', ['text']);
    expect(table).toMatchObject({ columns: ['review'], counts: 'rows' });
    expect(table.rows).toHaveLength(3);
  });

  it('keeps bytes that are not UTF-8, and a replacement character of the file', async () => {
    const bytes = parquet([{ name: 'text', data: ['caf\ufffd', '\ufeffx', 'plainly'], type: 'STRING' }]);
    const at = bytes.findIndex(
      (_, index) => new TextDecoder().decode(bytes.subarray(index, index + 7)) === 'plainly',
    );
    bytes[at + 3] = 0xe9;
    const { rows } = await readParquet(bytes, 'f', ['text']);
    expect(rows.map(({ cells }) => cells[0])).toEqual(['caf\ufffd', '\ufeffx', expect.any(Uint8Array)]);
  });

  it('reads the names of classes, where the file has them', async () => {
    const features = {
      label: { names: ['positive', 'negative'], _type: 'ClassLabel' },
      text: { _type: 'Value' },
    };
    const kvMetadata = [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }];
    const columnData: ColumnSource[] = [{ name: 'label', data: [0n, 1n], type: 'INT64' }];
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData, kvMetadata }));
    const { classNames } = await readParquet(bytes, 'f', ['label']);
    expect(classNames).toEqual(new Map([['label', ['positive', 'negative']]]));
  });

  it('ends within two seconds for any damaged bytes', async () => {
    const rows = Array.from({ length: 12 }, (_, index) => index);
    const columnData: ColumnSource[] = [
      { name: 'text', data: rows.map((row) => (row === 3 ? null : `word ${row % 5}`)), type: 'STRING' },
      { name: 'label', data: rows.map((row) => BigInt(row % 2)), type: 'INT64' },
    ];
    const intact = new Uint8Array(parquetWriteBuffer({ columnData, codec: 'UNCOMPRESSED' }));
    // Damages every thirteenth byte, or every byte in a longer run: by a number that makes a run of 12 values one of 2 ** 30 - 1,
    // and by a flipped bit.
    const damaged = [...intact.keys()]
      .filter((at) => CASES > 1 || at % 13 === 0)
      .flatMap((at) => {
        const longRun = intact.slice();
        longRun.set([0xfe, 0xff, 0xff, 0xff, 0x07].slice(0, intact.length - at), at);
        const flipped = intact.slice();
        flipped[at] ^= 1 << (at % 8);
        return [longRun, flipped];
      });
    let slowest = 0;
    for (const bytes of damaged) {
      const began = performance.now();
      const result = await readParquet(bytes, 'f', ['text', 'label']).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(CallerError);
      slowest = Math.max(slowest, performance.now() - began);
    }
    expect(slowest).toBeLessThan(2000);
  });

  it.each([
    ['nothing', (bytes: Uint8Array) => bytes.subarray(0, 0)],
    ['another file', () => new TextEncoder().encode('sentence\tlabel\nit is .\t1\n')],
    ['a file that is cut off', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 9)],
  ])('refuses %s', async (_, broken) => {
    const bytes = broken(parquet([{ name: 'text', data: ['a'], type: 'STRING' }]));
    const error = await readParquet(bytes, 'folder/f', ['text']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallerError);
    expect((error as CallerError).message).toMatch(/^folder\/f: cannot be read as parquet \(.*\); expected/);
  });
});
