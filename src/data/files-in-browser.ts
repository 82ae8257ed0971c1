// What stands in the place of files.ts where a bundler builds for a browser: package.json's "browser" field says so. A folder
// is the address under which a web server has it.
import { CallerError, EngineError } from '../base/errors.js';
import { decodeUtf8 } from './utf8.js';

/** The address of a file in a folder. */
export function pathIn(folder: string, name: string): string {
  return `${folder.replace(/\/+$/, '')}/${name}`;
}

/** A server for a page of its own answers every other address with that page: no file of a model is one. */
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
  const what = response.ok ? 'there is a page, and no file' : `the server answered ${response.status}`;
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
        expected: 'a server that answers, and lets this page read from it',
      },
      { cause },
    );
  }
}

function noDisk(path: string): EngineError {
  return new EngineError({
    what: 'a browser has no folder to write to',
    where: path,
    remedy: 'take the numbers from weights(), or save models in Node',
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
