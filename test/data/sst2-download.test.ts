import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallerError, EngineError, ParsimonyError } from '../../src/base/errors.js';
import type { Example } from '../../src/data/dataset.js';
import { dataSource } from '../../src/data/sources.js';
import { readSst2Parquet } from '../../src/data/sst2-download.js';
import { runs } from '../support/arbitraries.js';
import { runCommand } from '../support/run-command.js';
import { sentencesOf } from '../support/sentences.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The pinned revision and its files. */
const REVISION = '8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb';
const DEV_SHA256 = 'fb00fe008f6828f86ba2beda8415a4cf5da0c884f21c5f238c87131b5aa19529';
const DEV_PATH = `/datasets/stanfordnlp/sst2/resolve/${REVISION}/data/validation-00000-of-00001.parquet`;

/** A parquet file in the layout of `stanfordnlp/sst2`: labels are 64-bit integers, the first column is an index. */
function parquet(examples: readonly Example[], rowGroupSize = 1000): Uint8Array {
  const columnData = [
    { name: 'idx', data: Int32Array.from(examples.keys()), type: 'INT32' as const },
    { name: 'sentence', data: examples.map(({ text }) => text), type: 'STRING' as const },
    { name: 'label', data: examples.map(({ label }) => BigInt(label)), type: 'INT64' as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
}

const EXAMPLES = [
  { text: "it 's a charming and often affecting journey . ", label: 1 },
  { text: 'unflinchingly bleak and "desperate" ', label: 0 },
];

describe('readSst2Parquet', () => {
  it('reads sentences and labels, in any number of row groups', async () => {
    const anyExample = fc.record({
      text: fc.string({ unit: 'grapheme' }),
      label: fc.integer({ min: -1, max: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyExample, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 8 }),
        async (examples, size) => {
          expect(await readSst2Parquet(parquet(examples, size), 'f')).toEqual(examples);
        },
      ),
      runs(50),
    );
  });

  it('reads bytes inside a larger buffer', async () => {
    const bytes = parquet(EXAMPLES);
    const larger = new Uint8Array(bytes.length + 20).fill(7);
    larger.set(bytes, 10);
    expect(await readSst2Parquet(larger.subarray(10, 10 + bytes.length), 'f')).toEqual(EXAMPLES);
  });
});

describe('--data sst2', () => {
  const root = temporaryFolder();
  let caches = 0;
  let cache: string;
  let requested: string[];
  const servers: Server[] = [];

  beforeEach(() => {
    cache = join(root, `${++caches}`);
    mkdirSync(cache);
    requested = [];
    vi.stubEnv('XDG_CACHE_HOME', cache);
    for (const variable of ['HF_HOME', 'HF_HUB_CACHE']) vi.stubEnv(variable, undefined);
  });

  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => {
    for (const server of servers) server.close();
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer((request, response) => {
      requested.push(request.url!);
      listener(request, response);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    vi.stubEnv('HF_ENDPOINT', endpoint);
    return endpoint;
  }

  /** A port on which no server listens. */
  async function deadEndpoint(): Promise<string> {
    const endpoint = await serve(() => {});
    await new Promise((resolve) => servers.pop()!.close(resolve));
    return endpoint;
  }

  /** Expects that the development set cannot be read, and that no part of it is kept. */
  async function expectNoDownload(says: RegExp, expected?: string): Promise<void> {
    const error = await dataSource('sst2')
      .examples('dev')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineError);
    const { message, exitCode } = error as EngineError;
    expect(exitCode).toBe(1);
    expect(message).toMatch(says);
    if (expected) expect(message).toContain(expected);
    expect(message).toMatch(/; use --data with a folder of GLUE TSV files, or --data embedded$/);
    expect(readdirSync(cache, { recursive: true })).toEqual([]);
  }

  it('asks for the pinned revision, and refuses what has another checksum', async () => {
    const bytes = parquet(EXAMPLES);
    const endpoint = await serve((_, response) => response.end(bytes));
    const actual = createHash('sha256').update(bytes).digest('hex');
    await expectNoDownload(new RegExp(`the download has sha256 ${actual}; expected ${DEV_SHA256}`), endpoint);
    expect(requested).toEqual([DEV_PATH]);
  });

  it.each([404, 500])('reports that the server answers %i', async (status) => {
    const endpoint = await serve((_, response) => response.writeHead(status).end('sorry'));
    await expectNoDownload(new RegExp(`cannot be downloaded .*${status}`), `${endpoint}${DEV_PATH}`);
  });

  it('reports a refused connection', async () => {
    const endpoint = await deadEndpoint();
    await expectNoDownload(/cannot be downloaded \(ECONNREFUSED\)/, `${endpoint}${DEV_PATH}`);
  });

  it('reports a connection that ends half-way', async () => {
    await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => response.destroy());
    });
    await expectNoDownload(/cannot be downloaded/);
  });

  it('ends a command with one line, and leaves nothing', async () => {
    const env = { HF_ENDPOINT: await deadEndpoint(), XDG_CACHE_HOME: cache };
    const result = runCommand(['train', '--data', 'sst2', '--out', 'model'], { cwd: cache, env });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(/^parsimony: http:.*: cannot be downloaded \(ECONNREFUSED\).*\n$/);
    expect(readdirSync(cache, { recursive: true })).toEqual([]);
  });

  describe('from the cache', () => {
    function store(file: string, bytes: Uint8Array): void {
      const path = join(
        cache,
        'huggingface/hub',
        'datasets--stanfordnlp--sst2/snapshots',
        REVISION,
        'data',
        file,
      );
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }

    it('is not downloaded again', async () => {
      await serve((_, response) => response.end());
      store('validation-00000-of-00001.parquet', parquet(EXAMPLES));
      expect(await dataSource('sst2').examples('dev')).toEqual(EXAMPLES);
      expect(await sentencesOf(dataSource('sst2'), 'dev')).toEqual(EXAMPLES.map(({ text }) => text));
      expect(requested).toEqual([]);
    });

    it('is named where it is broken', async () => {
      store('validation-00000-of-00001.parquet', parquet(EXAMPLES).subarray(0, 100));
      const error = await dataSource('sst2')
        .examples('dev')
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ParsimonyError);
      expect((error as ParsimonyError).message).toContain(join(cache, 'huggingface'));
    });

    it('has sentences, but no examples, where the labels are unknown', async () => {
      store('test-00000-of-00001.parquet', parquet(EXAMPLES.map(({ text }) => ({ text, label: -1 }))));
      expect(await sentencesOf(dataSource('sst2'), 'test')).toEqual(EXAMPLES.map(({ text }) => text));
      const error = await dataSource('sst2')
        .examples('test')
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CallerError);
      expect((error as CallerError).message).toMatch(/"test" of SST-2 has no labels; expected train or dev/);
    });
  });
});
