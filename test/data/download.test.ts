import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../src/base/errors.js';
import { download } from '../../src/data/download.js';

const LIMITS = { silentSeconds: 0.3, bytesPerSecond: 1000, mostBytes: 10_000 };

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function from(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((listening) => server!.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
}

/** The result of a download, which must come soon. */
async function errorFrom(answer: RequestListener, limits = LIMITS): Promise<string> {
  const began = performance.now();
  const error = await download(await from(answer), 'try again', undefined, limits).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(EngineError);
  expect(performance.now() - began).toBeLessThan(10_000);
  return (error as EngineError).message;
}

describe('download', () => {
  it('reads what is within the limits, in parts', async () => {
    const url = await from((_, response) => {
      response.write('one, ');
      setTimeout(() => response.end('two'), 50);
    });
    expect(new TextDecoder().decode(await download(url, '', undefined, LIMITS))).toBe('one, two');
  });

  it.each<[string, RequestListener, RegExp]>([
    ['is silent', () => {}, /cannot be downloaded \(the server was silent for 0\.3 s\); try again$/],
    ['stops in between', (_, response) => response.write('begun'), /the server was silent for 0\.3 s/],
    [
      'sends a byte now and then',
      (_, response) => {
        const drip = setInterval(() => response.write('x'), 50);
        response.on('close', () => clearInterval(drip));
      },
      /the server sent \d+ bytes in \d+ s/,
    ],
    [
      'never ends',
      (_, response) => {
        const pour = setInterval(() => response.write('x'.repeat(2000)), 1);
        response.on('close', () => clearInterval(pour));
      },
      /\d+ bytes, and at most 10000 were expected/,
    ],
    [
      'declares too much',
      (_, response) => {
        response.writeHead(200, { 'content-length': '99999999999' });
        response.write('x');
      },
      /\(99999999999 bytes, and at most 10000 were expected\)/,
    ],
    [
      'ends before what it declared',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('x', () => response.destroy());
      },
      /cannot be downloaded \(/,
    ],
  ])('gives up on a server that %s', async (_, answer, says) =>
    expect(await errorFrom(answer)).toMatch(says),
  );

  it('gives up on a server that redirects for ever', async () => {
    // Twenty redirects take long on a busy machine.
    const limits = { ...LIMITS, silentSeconds: 9 };
    const answer: RequestListener = (_, response) => response.writeHead(302, { location: '/file' }).end();
    expect(await errorFrom(answer, limits)).toMatch(/redirect count exceeded/);
  });
});
