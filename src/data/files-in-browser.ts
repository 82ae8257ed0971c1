// Replaces files.ts in a browser (the "browser" field of package.json). A folder is an address on a web server.
import { CallerError, EngineError } from '../base/errors.js';
import { decodeUtf8 } from './utf8.js';

/** The address of a file in a folder. */
export function pathIn(folder: string, name: string): string {
  return `${folder.replace(/\/+$/, '')}/${name}`;
}

/** Some servers answer a missing address with a page, which is not a file of a model. */
function isFile(response: Response): boolean {
  return response.ok && !response.headers.get('content-type')?.startsWith('text/html');
}

/** Whether there is a file at this address. */
export async function exists(address: string): Promise<boolean> {
  return isFile(await answerOf(address, { method: 'HEAD' }));
}

/** Fetches a text file. @throws CallerError where it cannot be fetched, or is not UTF-8. */
export async function readText(address: string, expected?: string): Promise<string> {
  return decodeUtf8(await readBytesOf(address, expected), address);
}

/** Fetches a file. @throws CallerError where it cannot be fetched. */
export async function readBytesOf(address: string, expected?: string): Promise<Uint8Array> {
  const response = await answerOf(address);
  if (isFile(response)) return new Uint8Array(await response.arrayBuffer());
  const what = response.ok
    ? 'the server answered with a page, not a file'
    : `the server answered ${response.status}`;
  throw new CallerError({ what, where: address, expected });
}

async function answerOf(address: string, options?: RequestInit): Promise<Response> {
  try {
    return await fetch(address, options);
  } catch (cause) {
    throw new CallerError(
      {
        what: 'cannot be fetched',
        where: address,
        expected: 'a server that answers, and allows requests from this page',
      },
      { cause },
    );
  }
}

function noDisk(path: string): EngineError {
  return new EngineError({
    what: 'a browser has no folder to write to',
    where: path,
    remedy: 'use weights(), or save models in Node',
  });
}

/** @throws EngineError always. */
export async function writeAtomically(path: string): Promise<void> {
  throw noDisk(path);
}

/** @throws EngineError always. */
export async function createFolder(path: string): Promise<void> {
  throw noDisk(path);
}
