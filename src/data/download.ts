import { createHash } from 'node:crypto';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { EngineError } from '../gpu/errors.js';

/** Where Hugging Face answers; the variable is the one with which its own tools are sent to a mirror. */
export function huggingFaceEndpoint(): string {
  return process.env.HF_ENDPOINT ?? 'https://huggingface.co';
}

/** A folder of the user's cache; it need not exist. */
export function cacheFolder(...names: string[]): string {
  return join(envPaths('parsimony', { suffix: '' }).cache, ...names);
}

/**
 * Fetches a file whole.
 * @param remedy What to do where that fails.
 * @param sha256 What the file must have, where it is known.
 * @throws EngineError where there is no network, the server has no such file, or sends another.
 */
export async function download(url: string, remedy: string, sha256?: string): Promise<Uint8Array> {
  const bytes = await fetched(url, remedy);
  if (sha256 === undefined) return bytes;
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual === sha256) return bytes;
  throw new EngineError({
    what: `the download has sha256 ${actual}`,
    where: url,
    expected: sha256,
    remedy,
  });
}

async function fetched(url: string, remedy: string): Promise<Uint8Array> {
  try {
    const response = await fetch(url);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    throw new Error(`the server answered ${response.status}`);
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    const reason = cause?.code ?? (error as Error).message;
    throw new EngineError({ what: `cannot be downloaded (${reason})`, where: url, remedy });
  }
}
