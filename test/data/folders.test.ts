import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { CallerError, EngineError } from '../../src/base/errors.js';
import { dataSource } from '../../src/data/sources.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { devSentences, SST2_IS_MISSING } from '../grammar/dev-sentences.js';
import { sentencesOf } from '../support/sentences.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

function folderWith(name: string, files: Record<string, string | Uint8Array>): string {
  mkdirSync(join(folder, name));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, name, file), content);
  return join(folder, name);
}

function parquet(texts: string[], labels: bigint[]): Uint8Array {
  const columnData = [
    { name: 'text', data: texts, type: 'STRING' as const },
    { name: 'label', data: labels, type: 'INT64' as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

describe('a folder of GLUE files', () => {
  it('is read with a byte order mark and Windows line breaks', async () => {
    const text = '\ufeffsentence\tlabel\r\n"naïve" — ça va .\t1\r\nno .\t0\r\n';
    const source = dataSource(folderWith('SST-2', { 'dev.tsv': text }));
    expect(await source.examples('dev')).toEqual([
      { text: '"naïve" — ça va .', label: 1 },
      { text: 'no .', label: 0 },
    ]);
    expect(source).toMatchObject({ name: 'SST-2', classes: ['negative', 'positive'] });
  });

  it('needs only the split that is asked for', async () => {
    const source = dataSource(folderWith('test-only', { 'test.tsv': 'index\tsentence\n0\tit is .\n' }));
    expect(await sentencesOf(source, 'test')).toEqual(['it is .']);
    await expect(source.examples('test')).rejects.toThrow(/test\.tsv:1: no column "label"/);
    await expect(source.examples('dev')).rejects.toThrow(CallerError);
    await expect(source.examples('dev')).rejects.toThrow(
      /^test-only: no file of the split "dev"; .*dev\.tsv, dev\.csv, .*validation\.parquet/,
    );
  });

  it('has the classes of its training labels, whichever split is read first', async () => {
    const files = {
      'train.tsv': 'sentence\tlabel\na\t2\nb\t0\n',
      'dev.tsv': 'sentence\tlabel\nc\t1\n',
      'test.tsv': 'sentence\tlabel\nd\t3\n',
    };
    const source = dataSource(folderWith('three', files));
    expect(() => source.classes).toThrow(EngineError);
    expect(await source.examples('dev')).toEqual([{ text: 'c', label: 1 }]);
    expect(source.classes).toEqual(['0', '1', '2']);
    await expect(source.examples('test')).rejects.toThrow(
      /test\.tsv:2: label "3" is not a class; expected one of: 0, 1, 2$/,
    );
  });
});

describe('a folder of other files', () => {
  it('may have each split in another format', async () => {
    const source = dataSource(
      folderWith('mixed', {
        'train.csv': 'label,text\nspam,"buy, now"\nham,hello\n',
        'validation.jsonl': '{"text":"see you","label":"ham"}\n',
        'test.parquet': parquet(['win'], [1n]),
        'README.md': 'not data',
        'train.txt': 'not data',
      }),
    );
    expect(await source.examples('train')).toEqual([
      { text: 'buy, now', label: 1 },
      { text: 'hello', label: 0 },
    ]);
    expect(source.classes).toEqual(['ham', 'spam']);
    expect(await source.examples('dev')).toEqual([{ text: 'see you', label: 0 }]);
    await expect(source.examples('test'), 'a number beside names').rejects.toThrow(
      /test\.parquet, row 1: label "1" is not a class; expected one of: ham, spam$/,
    );
  });

  it('may have a split in shards, read in their order', async () => {
    const [first, second] = [parquet(['a', 'b'], [0n, 1n]), parquet(['c'], [1n])];
    const source = dataSource(
      folderWith('shards', {
        'train-00001-of-00002.parquet': second,
        'train-00000-of-00002.parquet': first,
      }),
    );
    expect(await sentencesOf(source, 'train')).toEqual(['a', 'b', 'c']);
    const lacking = folderWith('lacking', { 'train-00001-of-00002.parquet': second });
    expect(callerErrorOf(() => dataSource(lacking)).message).toMatch(
      /lacking: 1 files "train-…-of-00002\.parquet"; expected 2, numbered from 0 to 1, as their names say$/,
    );
  });

  it('may have names in capitals, hashes of shards, and other names of dev', async () => {
    const source = dataSource(
      folderWith('Upper', {
        'TRAIN-00001-of-00002-0a1b2c3d.parquet': parquet(['b'], [1n]),
        'train-00000-of-00002-ffffffff.PARQUET': parquet(['a'], [0n]),
        'Valid.CSV': 'text,label\nc,1\n',
      }),
    );
    expect(await sentencesOf(source, 'train')).toEqual(['a', 'b']);
    expect(await sentencesOf(source, 'dev')).toEqual(['c']);
    await expect(sentencesOf(source, 'test')).rejects.toThrow(
      /no file of the split "test"; .*; there are: TRAIN-00001-of-00002-0a1b2c3d\.parquet, Valid\.CSV, tr/,
    );
    const twice = folderWith('twice', {
      'train-00000-of-00001-aaaa.csv': 'text\na\n',
      'train-00000-of-00001-bbbb.csv': 'text\na\n',
    });
    expect(callerErrorOf(() => dataSource(twice)).message).toMatch(/2 files "train-…-of-00001\.csv"; exp/);
  });

  it.each([
    ['formats', ['dev.tsv', 'dev.csv'], /"dev\.csv" and "dev\.tsv" could both be the split "dev"/],
    ['names', ['dev.csv', 'validation.csv'], /"dev\.csv" and "validation\.csv" could both be/],
  ])('is refused where a split could be either of two %s', (name, files, says) => {
    const path = folderWith(name, Object.fromEntries(files.map((file) => [file, 'text,label\na,0\n'])));
    expect(callerErrorOf(() => dataSource(path)).message).toMatch(says);
  });
});

describe.skipIf(SST2_IS_MISSING)('the files of SST-2 (needs ../shared/sst2)', () => {
  const source = () => dataSource(fileURLToPath(new URL('../../../shared/sst2', import.meta.url)));

  it('have all their rows', async () => {
    const [train, dev] = [await source().examples('train'), await source().examples('dev')];
    expect([train.length, dev.length, (await sentencesOf(source(), 'test')).length]).toEqual([
      67_349, 872, 1_821,
    ]);
    expect(train.filter(({ label }) => label === 1).length / train.length).toBeCloseTo(0.558, 3);
    expect(dev.filter(({ label }) => label === 1).length).toBe(444);
  });

  it('have the sentences of their files', async () => {
    expect((await source().examples('dev')).map(({ text }) => text)).toEqual(devSentences());
  });
});
