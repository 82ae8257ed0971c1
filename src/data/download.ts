import { createHash } from 'node:crypto';
import { EngineError } from '../base/errors.js';

/** Where Hugging Face answers; the variable is the one with which its own tools are sent to a mirror. */
export function huggingFaceEndpoint(): string {
  return process.env.HF_ENDPOINT ?? 'https://huggingface.co';
}

const MEGABYTE = 2 ** 20;

/** How long a server may take, and how much it may send. */
export interface DownloadLimits {
  /** Until its answer begins, and from one part of it to the next. */
  silentSeconds: number;
  /** A server that sends less, the time until it may be silent aside, never ends. */
  bytesPerSecond: number;
  /** Of the whole file: that it declares, or sends. */
  mostBytes: number;
}

/** What a download may take where nothing is known of the file. */
const DOWNLOAD_LIMITS: DownloadLimits = {
  silentSeconds: 30,
  bytesPerSecond: 1024,
  mostBytes: 64 * MEGABYTE,
};

/**
 * Fetches a file whole.
 * @param remedy What to do where that fails.
 * @param sha256 What the file must have, where it is known.
 * @param limits What differs from `DOWNLOAD_LIMITS`.
 * @throws EngineError where there is no network, the server has no such file, sends another, too much, or too slowly.
 */
export async function download(
  url: string,
  remedy: string,
  sha256?: string,
  limits: Partial<DownloadLimits> = {},
): Promise<Uint8Array> {
  const bytes = await fetched(url, remedy, { ...DOWNLOAD_LIMITS, ...limits });
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

/** What an answer holds. @throws Error where it is more, or comes more slowly, than the limits allow. */
async function bodyOf(
  response: Response,
  { silentSeconds, bytesPerSecond, mostBytes }: DownloadLimits,
  onPart: () => void,
): Promise<Uint8Array> {
  const tooMuch = (bytes: number) => new Error(`${bytes} bytes, and at most ${mostBytes} were expected`);
  const declared = Number(response.headers.get('content-length') ?? 0);
  if (declared > mostBytes) throw tooMuch(declared);
  const began = performance.now();
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { value: part } = (await reader?.read()) ?? {};
    if (!part) break;
    onPart();
    parts.push(part);
    length += part.length;
    if (length > mostBytes) throw tooMuch(length);
    const seconds = (performance.now() - began) / 1000;
    if (seconds > silentSeconds + length / bytesPerSecond) {
      throw new Error(`the server sent ${length} bytes in ${seconds.toFixed(0)} s`);
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function fetched(url: string, remedy: string, limits: DownloadLimits): Promise<Uint8Array> {
  const controller = new AbortController();
  const silence = new Error(`the server was silent for ${limits.silentSeconds} s`);
  const timer = setTimeout(() => controller.abort(silence), 1000 * limits.silentSeconds);
  try {
    const response = await fetch(url, { signal: controller.signal });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await bodyOf(response, limits, () => timer.refresh());
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    const reason = cause?.code ?? cause?.message ?? (error as Error).message;
    throw new EngineError({ what: `cannot be downloaded (${reason})`, where: url, remedy });
  } finally {
    clearTimeout(timer);
    // What is still under way is given up.
    controller.abort();
  }
}
