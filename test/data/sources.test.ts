import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import type { DataSource } from '../../src/data/dataset.js';
import { embeddedCorpus } from '../../src/data/embedded-corpus.js';
import { type DataOptions, dataSource } from '../../src/data/sources.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { sentencesOf } from '../support/sentences.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
let files = 0;

/** Writes a file with this extension. @returns Its path. */
function file(ending: string, content: string | Uint8Array): string {
  const path = join(folder, `file-${++files}${ending}`);
  writeFileSync(path, content);
  return path;
}

async function messageOf(source: DataSource): Promise<string> {
  try {
    await source.examples('train');
  } catch (error) {
    return (error as Error).message.replace(folder, '');
  }
  throw new Error('nothing was refused');
}

/** Empty texts, long ones, emoji, and text from right to left. */
const TEXTS = [
  '',
  '  ',
  Array.from({ length: 5_000 }, (_, index) => `word${index % 7}`).join(' '),
  '👩‍👩‍👧 so good 😀',
  'שלום עולם',
  'مرحبا "بالعالم"',
  'a, b',
];

const LABELS = TEXTS.map((_, index) => index % 3);

function csvField(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

const WRITTEN: Record<string, string | Uint8Array> = {
  '.tsv': `label\tsentence\n${TEXTS.map((text, index) => `${LABELS[index]}\t${text}\n`).join('')}`,
  '.csv': `label,text\r\n${TEXTS.map((text, index) => `${LABELS[index]},${csvField(text)}\r\n`).join('')}`,
  '.jsonl': TEXTS.map((text, index) => `${JSON.stringify({ text, label: LABELS[index] })}\n`).join(''),
  '.json': TEXTS.map(
    (text, index) => `${JSON.stringify({ label: `${LABELS[index]}`, sentence: text })}\n`,
  ).join(''),
  '.parquet': new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'text', data: TEXTS, type: 'STRING' },
        { name: 'label', data: Int32Array.from(LABELS), type: 'INT32' },
      ],
    }),
  ),
};

const EXPECTED = TEXTS.map((text, index) => ({ text, label: LABELS[index] }));

describe('a file', () => {
  it.each(Object.keys(WRITTEN))(
    'that ends in %s can hold any text, and its labels are the classes',
    async (ending) => {
      const path = file(ending, WRITTEN[ending]);
      const source = dataSource(path);
      expect(await source.examples('train')).toEqual(EXPECTED);
      expect(source).toMatchObject({ name: basename(path), classes: ['0', '1', '2'] });
      expect(await sentencesOf(source, 'train')).toEqual(TEXTS);
      expect(await source.texts('train')).toEqual(TEXTS.map((text) => ({ text })));
    },
  );

  it('is the training split, or the split that options name; other splits have their own files', async () => {
    const [train, dev] = [file('.csv', 'text,label\na,x\nb,y\n'), file('.csv', 'text,label\nc,y\n')];
    const source = dataSource(train, { dev });
    expect(await source.examples('dev')).toEqual([{ text: 'c', label: 1 }]);
    await expect(source.examples('test')).rejects.toThrow(/no file of the split "test"; name it with --test/);
    expect(await sentencesOf(dataSource(dev, { split: 'test' }), 'test')).toEqual(['c']);
  });

  it('may be one of several, which are read in their order', async () => {
    const shards = [file('.csv', 'text,label\na,x\n'), file('.jsonl', '{"text":"b","label":"y"}')];
    const source = dataSource(shards.join(','));
    expect(await sentencesOf(source, 'train')).toEqual(['a', 'b']);
    expect(source.name).toBe(shards.map((path) => basename(path)).join(','));
    expect(await sentencesOf(dataSource(file(', odd.csv', 'text,label\na,x\n')), 'train')).toEqual(['a']);
  });

  it('is read from the columns that options name', async () => {
    const path = file('.csv', 'sentence,text,label,stars\na,b,0,good\nc,d,0,bad\n');
    expect(await sentencesOf(dataSource(path), 'train')).toEqual(['a', 'c']);
    const source = dataSource(path, { textColumn: 'text', labelColumn: 'stars' });
    expect(await source.examples('train')).toEqual([
      { text: 'b', label: 1 },
      { text: 'd', label: 0 },
    ]);
  });

  it.each<[string, string, string | Uint8Array, DataOptions, RegExp]>([
    [
      'no text',
      '.csv',
      'review,label\na,0\n',
      {},
      /^.file-\d+\.csv:1: no column "sentence" or "text"; expected it among: review, label; name another with --text-column$/,
    ],
    [
      'no label',
      '.tsv',
      'text\tstars\na\t0\n',
      {},
      /\.tsv:1: no column "label"; expected it among: text, stars; .*--label-column/,
    ],
    [
      'no such tags',
      '.csv',
      'text,label\na,0\n',
      { tagsColumn: 'pos' },
      /:1: no column "pos"; .*--tags-column/,
    ],
    ['a column twice', '.csv', 'text,label,label\na,0,1\n', {}, /:1: column "label" is there twice/],
    ['no rows', '.csv', 'text,label\n', {}, /\.csv: no rows; expected the names of columns, then texts/],
    ['empty lines', '.csv', '\n\n\n', {}, /\.csv: no rows; expected the names of columns, then texts/],
    ['nothing', '.jsonl', '', {}, /\.jsonl: no rows/],
    [
      'a text that is a number',
      '.jsonl',
      '{"text":"a","label":0}\n{"text":7,"label":1}',
      {},
      /:2: 7 in column "text"; expected a text/,
    ],
    [
      'a row without a label',
      '.jsonl',
      '{"text":"a","label":0}\n\n{"text":"b"}',
      {},
      /:3: nothing in column "label"/,
    ],
    [
      'a label that is a list',
      '.jsonl',
      '{"text":"a","label":[1]}',
      {},
      /:1: \[1\] in column "label"; expected the name/,
    ],
    [
      'Latin 1',
      '.csv',
      Uint8Array.from(Buffer.from('text,label\na,0\né,1\n', 'latin1')),
      {},
      /\.csv:3: not UTF-8/,
    ],
  ])('is refused with %s', async (_, ending, content, options, says) => {
    expect(await messageOf(dataSource(file(ending, content), options))).toMatch(says);
  });

  it('names the row where a file has no lines', async () => {
    const columnData = [
      { name: 'text', data: ['a', null], type: 'STRING' as const },
      { name: 'label', data: [0n, 1n], type: 'INT64' as const },
    ];
    const path = file('.parquet', new Uint8Array(parquetWriteBuffer({ columnData })));
    expect(await messageOf(dataSource(path))).toMatch(/\.parquet, row 2: nothing in column "text"/);
    expect(await messageOf(dataSource(path, { textColumn: 'review' }))).toMatch(
      /\.parquet: no column "review"; expected it among: text, label/,
    );
  });
});

describe('words with custom tags', () => {
  const words = [
    { start: 0, end: 3, tag: 'DT' },
    { start: 4, end: 10, tag: 'NN' },
  ];

  it.each([
    ['.csv', 'text,label,pos\nthe film😀,0,DT  NN\n'],
    ['.jsonl', '{"text":"the film😀","label":"0","pos":["DT","NN"]}\n'],
    ['.jsonl', '{"text":"the film😀","label":0,"pos":"DT NN"}\n'],
    ['.conllu', '# text = the film😀\n1\tthe\t_\tDT\t_\t_\t_\t_\t_\t_\n2\tfilm😀\t_\tNN\t_\t_\t_\t_\t_\t_\n'],
  ])('are read from %s', async (ending, content) => {
    const options = ending === '.conllu' ? {} : { tagsColumn: 'pos' };
    const source = dataSource(file(ending, content), { ...options, tags: ['NN', 'DT'], split: 'test' });
    expect(await source.texts('test')).toEqual([{ text: 'the film😀', words }]);
  });

  it('may have integers as tags, and may be missing', async () => {
    const path = file('.jsonl', '{"text":"a b","t":[3,"-1"],"label":0}\n{"text":" ","t":"","label":1}\n');
    const [first, second] = await dataSource(path, { tagsColumn: 't', tags: [-1, 3] }).examples('train');
    expect(first.words?.map(({ tag }) => tag)).toEqual([3, -1]);
    expect(second.words).toEqual([]);
  });

  it.each([
    [
      '.csv',
      'text,label,pos\na b,0,DT NN\na b,0,DT NX\n',
      /:3: unknown tag "NX"; expected a tag of the rules: NN, DT$/,
    ],
    ['.csv', 'text,label,pos\na b,0,DT\n', /:2: 1 tags; expected 2, one for each word/],
    ['.jsonl', '{"text":"a","label":0,"pos":{}}', /:1: \{\} in column "pos"; expected a tag for each word/],
    ['.conllu', '# text = a\n# label = x\n1\ta\t_\tNX\t_\t_\t_\t_\t_\t_\n', /:3: unknown tag "NX"/],
    ['.conllu', '# text = a\n1\ta\t_\tNN\t_\t_\t_\t_\t_\t_\n', /:1: a sentence without a label/],
    ['.conllu', '\n', /\.conllu: no sentences/],
  ])('are refused by file and row: %s %s', async (ending, content, says) => {
    const options = ending === '.conllu' ? {} : { tagsColumn: 'pos' };
    expect(await messageOf(dataSource(file(ending, content), { ...options, tags: ['NN', 'DT'] }))).toMatch(
      says,
    );
  });
});

describe('what --data names', () => {
  it('is a file, a folder or a known name', () => {
    for (const name of ['nowhere', 'nowhere.csv', '']) {
      expect(callerErrorOf(() => dataSource(name)).message).toMatch(
        /no such folder; expected .*train\.tsv.*sst2, embedded, grampair:LABEL, corrupt:KIND:SOURCE, or blimp:PATH/,
      );
    }
    const path = file('.csv', 'text,label\n');
    expect(callerErrorOf(() => dataSource(`${path},nowhere.csv`)).message).toBe(
      '--data: no such file: nowhere.csv; expected a file of texts',
    );
    expect(callerErrorOf(() => dataSource(path, { dev: 'nowhere.csv' })).message).toMatch(
      /^--dev: no such file/,
    );
    expect(callerErrorOf(() => dataSource(file('.txt', 'a'))).message).toMatch(
      /"\.txt" is not a data format; expected a file that ends in \.tsv, \.csv, \.jsonl, \.json, \.parquet, \.conllu$/,
    );
  });

  it.each<DataOptions>([{ textColumn: 'a' }, { labelColumn: 'a' }, { tagsColumn: 'a' }, { dev: 'a' }])(
    'has no files for %o where it is generated',
    (options) => {
      expect(callerErrorOf(() => dataSource('embedded', options)).message).toMatch(
        /^--.* with --data embedded/,
      );
    },
  );

  it('is not a folder where a split is named as a file', () => {
    mkdirSync(join(folder, 'empty'));
    const message = callerErrorOf(() => dataSource(join(folder, 'empty'), { dev: 'a.csv' })).message;
    expect(message).toMatch(/^--dev with --data .*empty; expected it with files only/);
  });

  it('has the classes that are asked for', async () => {
    const labels = (examples: { label: number }[]) => examples.map(({ label }) => label);
    const original = labels(embeddedCorpus().dev);
    const three = dataSource('embedded', { labels: ['positive', 'neutral', 'negative'] });
    expect(three.classes).toEqual(['positive', 'neutral', 'negative']);
    expect(labels(await three.examples('dev'))).toEqual(original.map((label) => (label === 1 ? 0 : 2)));
    const other = dataSource('embedded', { labels: ['bad', 'good'] });
    expect(labels(await other.examples('dev'))).toEqual(original);
    expect(callerErrorOf(() => dataSource('embedded', { labels: ['positive', 'neutral'] })).message).toMatch(
      /embedded: label "negative" is not a class/,
    );
  });
});

describe('a share of the training rows as dev', () => {
  const rows = Array.from({ length: 20 }, (_, at) => `text ${at}`);
  const path = file('.csv', `text,label\n${rows.map((text, at) => `${text},${at % 2}\n`).join('')}`);

  it('is drawn with the seed; both parts are all rows, in the order of the file', async () => {
    const source = dataSource(path, { devShare: 0.2, seed: 1 });
    const [train, dev] = [await sentencesOf(source, 'train'), await sentencesOf(source, 'dev')];
    expect([train.length, dev.length]).toEqual([16, 4]);
    expect(rows.filter((text) => !dev.includes(text))).toEqual(train);
    expect(rows.filter((text) => !train.includes(text))).toEqual(dev);
    expect((await source.examples('dev')).map(({ text, label }) => [text, label])).toEqual(
      dev.map((text) => [text, rows.indexOf(text) % 2]),
    );
    expect(source.classes).toEqual(['0', '1']);
    expect(await sentencesOf(dataSource(path, { devShare: 0.2, seed: 1, split: 'dev' }), 'dev')).toEqual(dev);
    expect(await sentencesOf(dataSource(path, { devShare: 0.2, seed: 2 }), 'dev')).not.toEqual(dev);
  });

  it('leaves a row to each part', async () => {
    const counts = async (devShare: number) =>
      (await sentencesOf(dataSource(path, { devShare }), 'dev')).length;
    expect([await counts(0.001), await counts(0.999)]).toEqual([1, 19]);
  });

  it('of one row is refused: both parts would have it', async () => {
    const single = join(folder, 'single.tsv');
    writeFileSync(single, 'sentence\tlabel\na film\t1\n');
    for (const split of ['train', 'dev'] as const) {
      const reading = dataSource(single, { devShare: 0.5, labels: ['0', '1'] }).examples(split);
      await expect(reading).rejects.toThrow(/^--dev-share: 1 rows in .*single\.tsv; expected two at least/);
    }
  });

  it('is refused where the data have a split dev', () => {
    for (const [name, options] of [
      [path, { dev: path }],
      ['embedded', {}],
    ] as const) {
      expect(callerErrorOf(() => dataSource(name, { ...options, devShare: 0.1 })).message).toMatch(
        /--dev-share/,
      );
    }
  });
});
