import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallerError, EngineError } from '../../src/base/errors.js';
import { hubCheckpoint, parseHubName } from '../../src/data/hub-download.js';
import { parseIndex, WEIGHTS_FILES } from '../../src/train/hugging-face/weights.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const COMMIT = '6f75de8b60a9f8a2fdf7b69cbd86d9e64bcb3837';
const LATER = 'a'.repeat(40);
const LAYOUT = {
  names: WEIGHTS_FILES,
  filesOf: (text: string, file: string) => parseIndex(text, file).values(),
};

describe('a name of the hub', () => {
  it('has an id and perhaps a revision', () => {
    expect(parseHubName('hub:prajjwal1/bert-tiny')).toEqual({ id: 'prajjwal1/bert-tiny', revision: 'main' });
    expect(parseHubName('hub:bert-base-cased@v1.0')).toEqual({ id: 'bert-base-cased', revision: 'v1.0' });
    expect(parseHubName('hub:a/b@refs/pr/1')).toEqual({ id: 'a/b', revision: 'refs/pr/1' });
    expect(parseHubName('folder/model')).toBeUndefined();
  });

  it.each([
    'hub:',
    'hub:a/b/c',
    'hub:../b',
    'hub:a/..',
    'hub:a/b@',
    'hub:a/b@../x',
    'hub:a/b@c@d',
    'hub:a b',
  ])('%s is none', (name) =>
    expect(callerErrorOf(() => parseHubName(name)).message).toMatch(/expected hub:owner\/model or/),
  );
});

/** Elsewhere the cache is not where XDG_CACHE_HOME says. */
describe.skipIf(process.platform !== 'linux')('a checkpoint of the hub (needs Linux)', () => {
  const root = temporaryFolder();
  const name = { id: 'some/model', revision: 'main' };
  let caches = 0;
  let cache: string;
  let files: Record<string, string>;
  let checksums: Record<string, string>;
  let sizes: Record<string, number>;
  let head: string;
  let requested: string[];
  let told: string[];
  let server: Server;

  beforeEach(async () => {
    cache = join(root, `${++caches}`);
    mkdirSync(cache);
    vi.stubEnv('XDG_CACHE_HOME', cache);
    files = { 'config.json': '{}', 'vocab.txt': '[PAD]\n', 'README.md': '#', 'pytorch_model.bin': 'weights' };
    checksums = {};
    sizes = {};
    head = COMMIT;
    requested = [];
    told = [];
    server = createServer((request, response) => {
      requested.push(request.url!);
      if (request.url!.startsWith('/api/models/some/model/revision/main')) {
        const siblings = Object.keys(files).map((rfilename) => ({
          rfilename,
          ...(sizes[rfilename] !== undefined && { size: sizes[rfilename] }),
          ...(checksums[rfilename] && { lfs: { sha256: checksums[rfilename] } }),
        }));
        response.end(JSON.stringify({ sha: head, siblings }));
        return;
      }
      const file = request.url!.replace(`/some/model/resolve/${head}/`, '');
      if (files[file] === undefined) response.writeHead(404).end();
      else response.end(files[file]);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  const close = () => new Promise((closed) => server.close(closed));
  afterEach(() => {
    server.close();
    vi.unstubAllEnvs();
  });

  const fetched = (revision = 'main') =>
    hubCheckpoint({ ...name, revision }, LAYOUT, (line) => told.push(line));
  const errorOf = (revision?: string) => fetched(revision).then(String, (error: unknown) => error as Error);

  it('is downloaded at the commit that the revision is, without what a model does not need', async () => {
    const checkpoint = await fetched();
    expect(checkpoint).toMatchObject({ ...name, commit: COMMIT });
    expect(requested).toEqual([
      '/api/models/some/model/revision/main?blobs=true',
      ...['config.json', 'vocab.txt', 'pytorch_model.bin'].map(
        (file) => `/some/model/resolve/${COMMIT}/${file}`,
      ),
    ]);
    expect(readFileSync(join(checkpoint.folder, 'pytorch_model.bin'), 'utf8')).toBe('weights');
    expect(told).toContain(`Downloading pytorch_model.bin of some/model at ${COMMIT.slice(0, 12)}`);
  });

  it('has the sizes that the server lists', async () => {
    sizes = { 'pytorch_model.bin': 6 };
    expect(String(await errorOf())).toMatch(/\(7 bytes, and at most 6 were expected\)/);
    sizes = { 'pytorch_model.bin': 8 };
    expect(String(await errorOf())).toMatch(/the download has 7 bytes; expected 8, as the server lists it/);
    sizes = { 'pytorch_model.bin': 7 };
    expect((await fetched()).commit).toBe(COMMIT);
  });

  it('has a folder that no other name has', async () => {
    const answers = async (id: string, revision: string) =>
      (await hubCheckpoint({ id, revision }, LAYOUT, () => {})).folder;
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      const isQuestion = request.url!.startsWith('/api/');
      const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
      response.end(isQuestion ? JSON.stringify({ sha: head, siblings }) : '{}');
    });
    const folders = [await answers('a--b/c', 'main'), await answers('a/b--c', 'main')];
    expect(new Set(folders).size).toBe(2);
    await answers('a/b', 'x/y');
    await answers('a/b', 'x--y');
    const names = readdirSync(join(cache, 'parsimony/hub'), { recursive: true }) as string[];
    expect(names.filter((path) => path.endsWith('.revision'))).toHaveLength(4);
  });

  it('is taken from the cache, without a network too, and anew when the revision has moved', async () => {
    const { folder } = await fetched();
    requested = [];
    expect((await fetched()).folder).toBe(folder);
    expect(requested).toHaveLength(1);
    requested = [];
    expect((await fetched(COMMIT)).folder, 'a whole commit asks for nothing').toBe(folder);
    expect(requested).toEqual([]);
    head = LATER;
    expect((await fetched()).commit).toBe(LATER);
    await close();
    told = [];
    expect((await fetched()).commit).toBe(LATER);
    expect(told).toEqual([expect.stringMatching(/does not answer; main was a{40} when it last did\.$/)]);
    expect((await fetched(COMMIT)).folder).toBe(folder);
  });

  it('of several files has all that its index names', async () => {
    delete files['pytorch_model.bin'];
    files['model.safetensors.index.json'] =
      '{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-1.safetensors"}}';
    files['model-1.safetensors'] = '1';
    files['model-2.safetensors'] = '2';
    const { folder } = await fetched();
    expect(existsSync(join(folder, 'model-2.safetensors'))).toBe(true);
    expect(requested.filter((url) => url.endsWith('model-1.safetensors'))).toHaveLength(1);
  });

  it('whose index leads elsewhere is refused', async () => {
    delete files['pytorch_model.bin'];
    files['model.safetensors.index.json'] = '{"weight_map":{"a":"../../../x.bin"}}';
    expect(await errorOf()).toBeInstanceOf(CallerError);
  });

  it('is refused where there is no network, in one line', async () => {
    await close();
    const error = (await errorOf()) as EngineError;
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toMatch(/revision\/main.*cannot be downloaded \(ECONNREFUSED\); use the folder of/);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('is refused where there is none, or its weights are of no kind that is read', async () => {
    expect(await errorOf('gone')).toMatchObject({
      message: expect.stringMatching(/the server answered 404/),
    });
    delete files['pytorch_model.bin'];
    files['tf_model.h5'] = 'weights';
    const error = (await errorOf()) as Error;
    expect(error).toBeInstanceOf(CallerError);
    expect(error.message).toMatch(
      /^hub:some\/model: no model\.safetensors at 6f75.*; expected a checkpoint in/,
    );
  });

  it('that came in other bytes is refused, and fetched again the next time', async () => {
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    checksums['pytorch_model.bin'] = sha256('weights');
    files['pytorch_model.bin'] = 'wei';
    expect(await errorOf()).toMatchObject({
      message: expect.stringMatching(new RegExp(`sha256 ${sha256('wei')}; expected ${sha256('weights')}`)),
    });
    files['pytorch_model.bin'] = 'weights';
    expect(readFileSync(join((await fetched()).folder, 'pytorch_model.bin'), 'utf8')).toBe('weights');
  });
});
