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
 * @throws EngineError where there is no network, or the server has no such file.
 */
export async function download(url: string, remedy: string): Promise<Uint8Array> {
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
