import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { dataSource } from '../../src/data/sources.js';
import { CallerError } from '../../src/gpu/errors.js';
import { devSentences, SST2_IS_MISSING } from '../grammar/dev-sentences.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

function folderWith(name: string, files: Record<string, string | Uint8Array>): string {
  mkdirSync(join(folder, name));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, name, file), content);
  return join(folder, name);
}

describe('a folder of GLUE files', () => {
  it('is read with a byte order mark and with the line breaks of Windows', async () => {
    const text = '\ufeffsentence\tlabel\r\n"naïve" — ça va .\t1\r\nno .\t0\r\n';
    const source = dataSource(folderWith('SST-2', { 'dev.tsv': text }));
    expect(source).toMatchObject({ name: 'SST-2', classes: ['negative', 'positive'] });
    expect(await source.examples('dev')).toEqual([
      { text: '"naïve" — ça va .', label: 1 },
      { text: 'no .', label: 0 },
    ]);
  });

  it('needs no more than the split that is asked for', async () => {
    const source = dataSource(folderWith('test-only', { 'test.tsv': 'index\tsentence\n0\tit is .\n' }));
    expect(await source.sentences('test')).toEqual(['it is .']);
    await expect(source.examples('test')).rejects.toThrow(/test\.tsv:1: no column "label"/);
    await expect(source.examples('dev')).rejects.toThrow(CallerError);
    await expect(source.examples('dev')).rejects.toThrow(/dev\.tsv: cannot be read \(ENOENT\); expected/);
  });

  it('has two classes', async () => {
    const source = dataSource(folderWith('three', { 'dev.tsv': 'sentence\tlabel\na\t2\n' }));
    await expect(source.examples('dev')).rejects.toThrow(/dev\.tsv:2: label "2" is no class/);
  });

  it('is no file, and no folder that does not exist', () => {
    writeFileSync(join(folder, 'file'), 'sentence\tlabel\na\t1\n');
    for (const name of ['file', 'nowhere']) {
      expect(() => dataSource(join(folder, name))).toThrow(CallerError);
      expect(() => dataSource(join(folder, name))).toThrow(/no such folder; expected .*sst2, or embedded/);
    }
  });
});

describe.skipIf(SST2_IS_MISSING)('the files of SST-2 (needs ../shared/sst2)', () => {
  const source = () => dataSource(fileURLToPath(new URL('../../../shared/sst2', import.meta.url)));

  it('have all their rows', async () => {
    const [train, dev] = [await source().examples('train'), await source().examples('dev')];
    expect([train.length, dev.length, (await source().sentences('test')).length]).toEqual([
      67_349, 872, 1_821,
    ]);
    expect(train.filter(({ label }) => label === 1).length / train.length).toBeCloseTo(0.558, 3);
    expect(dev.filter(({ label }) => label === 1).length).toBe(444);
  });

  it('have the sentences that stand in them', async () => {
    expect((await source().examples('dev')).map(({ text }) => text)).toEqual(devSentences());
  });
});
