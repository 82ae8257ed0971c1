import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../../scripts/serve.mjs';
import { hostRandom } from '../../src/base/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe("the playground's server", () => {
  const folder = temporaryFolder();
  const site = join(folder, 'site');
  let server: Awaited<ReturnType<typeof serve>>;
  let port: number;

  beforeAll(async () => {
    mkdirSync(join(site, 'model'), { recursive: true });
    mkdirSync(join(folder, 'site-beside'));
    writeFileSync(join(folder, 'secret.txt'), 'secret');
    writeFileSync(join(folder, 'site-beside/secret.txt'), 'secret');
    writeFileSync(join(site, 'index.html'), '<!doctype html><title>ä</title>');
    writeFileSync(join(site, 'a.js'), 'export {};');
    writeFileSync(join(site, 'model/a name.json'), '{}');
    writeFileSync(join(site, 'empty.txt'), '');
    symlinkSync(join(folder, 'secret.txt'), join(site, 'link.txt'));
    symlinkSync(folder, join(site, 'up'));
    symlinkSync(join(site, 'loop'), join(site, 'loop'));
    symlinkSync(join(site, 'a.js'), join(site, 'own.js'));
    server = await serve(site, 0);
    port = Number(new URL(server.address).port);
  });

  afterAll(() => server.close());

  /**
   * Sends bytes unchanged. @returns All bytes until the server ends the connection.
   * @param patience After this number of milliseconds without an answer, this side ends its half of the connection.
   */
  function exchange(bytes: string | Buffer, patience?: number): Promise<string> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        if (patience !== undefined) socket.end();
      });
      if (patience !== undefined) socket.setTimeout(patience, () => socket.end());
      socket.on('error', () => {});
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    });
  }

  const request = (line: string, ...headers: string[]) =>
    exchange([`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n'));

  const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

  const expectAlive = async () => expect(statusOf(await request('GET /a.js'))).toBe(200);

  it('serves existing files, with their types', async () => {
    const [home, script, json, empty] = await Promise.all(
      ['', 'a.js', 'model/a%20name.json', 'empty.txt'].map((path) => fetch(server.address + path)),
    );
    expect(home.headers.get('content-type')).toBe('text/html;charset=utf-8');
    expect(await home.text()).toContain('ä');
    expect(script.headers.get('content-type')).toMatch(/javascript/);
    expect(script.headers.get('cache-control')).toBe('no-cache');
    expect(await json.json()).toEqual({});
    expect([empty.status, await empty.text()]).toEqual([200, '']);
  });

  it.each([
    ['GET /?x', 200],
    ['GET /#x', 200],
    ['GET /own.js', 200],
    ['GET /a.js?%', 200],
    ['HEAD /', 200],
    ['GET /%00', 404],
    ['GET /a.js%00', 404],
    [`GET /${'n'.repeat(256)}`, 404],
    [`GET /${'n/'.repeat(4_000)}`, 404],
    ['GET /a.js/x', 404],
    ['GET /a.js/', 404],
    ['GET /%', 404],
    ['GET /%ff', 404],
    ['GET //', 404],
    ['GET //localhost/a.js', 404],
    ['GET /model/../a.js', 404],
    ['GET /./a.js', 404],
    ['GET /../secret.txt', 404],
    ['GET /..%2fsecret.txt', 404],
    ['GET /%2e%2e/secret.txt', 404],
    ['GET /../site-beside/secret.txt', 404],
    ['GET /..\\secret.txt', 404],
    ['GET /link.txt', 404],
    ['GET /up/secret.txt', 404],
    ['GET /up/', 404],
    ['GET /loop', 404],
    ['GET /model', 404],
    ['GET /model/', 404],
    ['GET /__proto__', 404],
    ['GET http://localhost/a.js', 400],
    ['GET http://[/', 400],
    ['GET *', 400],
    ['POST /', 405],
    ['PUT /new.txt', 405],
    ['DELETE /a.js', 405],
    ['OPTIONS /', 405],
    ['TRACE /', 405],
  ])('answers %s with %d', async (line, status) => {
    const answer = await request(line);
    expect(statusOf(answer)).toBe(status);
    expect(answer).not.toContain('secret');
    await expectAlive();
  });

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', 'localhost@evil', '', '[::1'])(
    'refuses the host %j',
    async (host) => {
      const answer = await exchange(`GET /a.js HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(statusOf(answer)).toBe(400);
      expect(answer).not.toContain('export');
    },
  );

  it.each(['localhost', 'LOCALHOST:80', '127.0.0.1:4173', '[::1]:4173'])(
    'answers the host %j',
    async (host) => {
      const answer = await exchange(`GET /a.js HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(statusOf(answer)).toBe(200);
    },
  );

  it.each(['bytes=5-2', 'bytes=0-0', 'bytes=-3', 'bytes=99999-', 'bytes=a-b', 'bytes=0-1,3-4', ''])(
    'answers the range %j with the whole file',
    async (range) => {
      const answer = await request('GET /a.js', `Range: ${range}`);
      expect(statusOf(answer)).toBe(200);
      expect(answer).toMatch(/\r\n\r\nexport \{\};$/);
    },
  );

  it('says that nothing has changed', async () => {
    const etag = (await fetch(`${server.address}a.js`)).headers.get('etag')!;
    expect(statusOf(await request('GET /a.js', `If-None-Match: ${etag}`))).toBe(304);
  });

  it('serves the current file, and no removed file', async () => {
    const file = join(site, 'changing.txt');
    writeFileSync(file, 'one');
    expect(await (await fetch(`${server.address}changing.txt`)).text()).toBe('one');
    writeFileSync(file, 'longer');
    expect(await (await fetch(`${server.address}changing.txt`)).text()).toBe('longer');
    rmSync(file);
    expect((await fetch(`${server.address}changing.txt`)).status).toBe(404);
  });

  it('survives files that appear and disappear during requests', async () => {
    const file = join(site, 'flickering.txt');
    const asked = Array.from({ length: 300 }, async (_, at) => {
      if (at % 2 === 0) writeFileSync(file, 'here');
      const answer = exchange('GET /flickering.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      await new Promise(setImmediate);
      rmSync(file, { force: true });
      await answer;
    });
    await Promise.all(asked);
    await expectAlive();
  });

  it('survives a hundred clients that leave before the answer', async () => {
    writeFileSync(join(site, 'large.bin'), Buffer.alloc(4_000_000));
    const left = Array.from(
      { length: 100 },
      (_, at) =>
        new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => {
            socket.write('GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n');
            if (at % 2 === 0) socket.resetAndDestroy();
            else socket.once('data', () => socket.destroy());
          });
          socket.on('error', () => {});
          socket.on('close', () => resolve());
        }),
    );
    await Promise.all(left);
    await expectAlive();
  });

  it('survives any bytes', async () => {
    const random = hostRandom(15);
    const below = (count: number) => Math.floor(random() * count);
    const parts = [
      '/',
      '//',
      '..',
      '.',
      '%',
      '%00',
      '%2e',
      '%2f',
      '?',
      '#',
      '\\',
      'a.js',
      'up',
      ' ',
      '\t',
      ':',
      '@',
    ];
    const byte = () => String.fromCharCode(below(256));
    const target = () =>
      Array.from({ length: below(12) }, () => (random() < 0.2 ? byte() : parts[below(parts.length)])).join(
        '',
      );
    const methods = ['GET', 'HEAD', 'POST', 'CONNECT', 'get', 'PRI', 'M-SEARCH', '', 'GET GET'];
    const ends = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', '', 'HTTP/1.1 x'];
    const headers = [
      'Host: localhost',
      'Host: a, b',
      'Range: bytes=9-1',
      'Connection: Upgrade\r\nUpgrade: websocket',
      'Expect: 100-continue',
      'Expect: x',
      'Content-Length: 5',
      'Content-Length: -1',
      'Transfer-Encoding: chunked',
      'If-None-Match: \x00',
      `X: ${'x'.repeat(20_000)}`,
      ': x',
    ];
    const odd = () => {
      const line = `${methods[below(random() < 0.5 ? 2 : methods.length)]} ${random() < 0.7 ? '/' : ''}${target()} ${ends[below(random() < 0.7 ? 1 : ends.length)]}`;
      const more = Array.from({ length: below(4) }, () => headers[below(headers.length)]);
      return Buffer.from(
        [line, ...(random() < 0.7 ? [headers[0]] : []), ...more, '', ''].join('\r\n'),
        'latin1',
      );
    };
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(odd(), 20)));
      for (const answer of answers) expect(answer).not.toContain('secret');
    }
    await expectAlive();
  });
});
