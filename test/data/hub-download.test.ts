import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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
    'hub:a--b/c',
  ])('is not %s', (name) =>
    expect(callerErrorOf(() => parseHubName(name)).message).toMatch(/expected hub:owner\/model or/),
  );
});

describe.skipIf(process.platform === 'win32')('a checkpoint of the hub (needs symbolic links)', () => {
  const root = temporaryFolder();
  const name = { id: 'some/model', revision: 'main' };
  let caches = 0;
  let cache: string;
  let files: Record<string, string>;
  let checksums: Record<string, string>;
  let sizes: Record<string, number>;
  let head: string;
  let requested: string[];
  let notes: string[];
  let server: Server;

  beforeEach(async () => {
    cache = join(root, `${++caches}`);
    mkdirSync(cache);
    vi.stubEnv('XDG_CACHE_HOME', cache);
    for (const variable of ['HF_HOME', 'HF_HUB_CACHE']) vi.stubEnv(variable, undefined);
    files = { 'config.json': '{}', 'vocab.txt': '[PAD]\n', 'README.md': '#', 'pytorch_model.bin': 'weights' };
    checksums = {};
    sizes = {};
    head = COMMIT;
    requested = [];
    notes = [];
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
    hubCheckpoint({ ...name, revision }, LAYOUT, (line) => notes.push(line));
  const errorOf = (revision?: string) => fetched(revision).then(String, (error: unknown) => error as Error);

  it('is downloaded at the commit of the revision, without files that a model does not need', async () => {
    const checkpoint = await fetched();
    expect(checkpoint).toMatchObject({ ...name, commit: COMMIT });
    expect(requested).toEqual([
      '/api/models/some/model/revision/main?blobs=true',
      ...['config.json', 'vocab.txt', 'pytorch_model.bin'].map(
        (file) => `/some/model/resolve/${COMMIT}/${file}`,
      ),
    ]);
    expect(readFileSync(join(checkpoint.folder, 'pytorch_model.bin'), 'utf8')).toBe('weights');
    expect(notes).toContain(`Downloading pytorch_model.bin of some/model at ${COMMIT.slice(0, 12)}`);
  });

  it('must have the sizes that the server lists', async () => {
    sizes = { 'pytorch_model.bin': 6 };
    expect(String(await errorOf())).toMatch(/\(7 bytes, and at most 6 were expected\)/);
    sizes = { 'pytorch_model.bin': 8 };
    expect(String(await errorOf())).toMatch(/the download has 7 bytes; expected 8, as the server lists it/);
    sizes = { 'pytorch_model.bin': 7 };
    expect((await fetched()).commit).toBe(COMMIT);
  });

  const repository = () => join(cache, 'huggingface/hub/models--some--model');

  it("is where Hugging Face's tools put it and look for it", async () => {
    const { folder } = await fetched();
    expect(folder).toBe(join(repository(), 'snapshots', COMMIT));
    expect(readFileSync(join(repository(), 'refs/main'), 'utf8')).toBe(COMMIT);
    expect(readdirSync(join(repository(), '.no_exist', COMMIT))).toContain('added_tokens.json');
    for (const [variable, root] of [
      ['HF_HOME', join(cache, 'home')],
      ['HF_HUB_CACHE', join(cache, 'hub')],
    ]) {
      vi.stubEnv(variable, root);
      const hub = variable === 'HF_HOME' ? join(root, 'hub') : root;
      expect((await fetched()).folder).toBe(join(hub, 'models--some--model/snapshots', COMMIT));
    }
  });

  /** The cache after `from_pretrained`: blobs, and links to them. */
  function fillCache(names: readonly string[]): void {
    const [snapshot, blobs] = [join(repository(), 'snapshots', COMMIT), join(repository(), 'blobs')];
    for (const made of [snapshot, blobs, join(repository(), 'refs')]) mkdirSync(made, { recursive: true });
    writeFileSync(join(repository(), 'refs/main'), COMMIT);
    for (const name of names) {
      writeFileSync(join(blobs, `blob-of-${name}`), files[name]);
      symlinkSync(`../../blobs/blob-of-${name}`, join(snapshot, name));
    }
  }

  it('in the cache of the user is used, and only missing files are downloaded', async () => {
    files['model.safetensors'] = 'other weights';
    fillCache(['config.json', 'pytorch_model.bin']);
    const { folder } = await fetched();
    expect(requested.slice(1)).toEqual([`/some/model/resolve/${COMMIT}/vocab.txt`]);
    expect(readFileSync(join(folder, 'pytorch_model.bin'), 'utf8')).toBe('weights');
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(false);
  });

  it('in the cache of the user is used without a network, unless its weights are missing', async () => {
    await close();
    fillCache(['config.json', 'vocab.txt', 'pytorch_model.bin']);
    for (const revision of ['main', COMMIT]) expect((await fetched(revision)).commit).toBe(COMMIT);
    expect(notes).toHaveLength(2);
    rmSync(join(repository(), 'blobs/blob-of-pytorch_model.bin'));
    expect(await errorOf()).toBeInstanceOf(EngineError);
  });

  it('is taken from the cache, without a network too, and downloaded again when the revision has moved', async () => {
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
    notes = [];
    expect((await fetched()).commit).toBe(LATER);
    expect(notes).toEqual([expect.stringMatching(/does not answer; using a{40} from the cache\.$/)]);
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

  it('is refused where it does not exist, or its weights are in an unknown format', async () => {
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

  it('with another checksum is refused, and fetched again the next time', async () => {
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
