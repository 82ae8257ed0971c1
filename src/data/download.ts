import { createHash } from 'node:crypto';
import { EngineError } from '../base/errors.js';

/** The address of Hugging Face's hub. `HF_ENDPOINT` names a mirror, as for Hugging Face's tools. */
export function huggingFaceEndpoint(): string {
  return process.env.HF_ENDPOINT ?? 'https://huggingface.co';
}

const MEGABYTE = 2 ** 20;

/** Limits of a download. */
export interface DownloadLimits {
  /** The longest time until the response starts, and between two parts of it. */
  silentSeconds: number;
  /** The slowest rate, after the first `silentSeconds`. */
  bytesPerSecond: number;
  /** The largest file, declared or sent. */
  mostBytes: number;
}

/** The limits for a file of unknown size. */
const DOWNLOAD_LIMITS: DownloadLimits = {
  silentSeconds: 30,
  bytesPerSecond: 1024,
  mostBytes: 64 * MEGABYTE,
};

/**
 * Downloads a file.
 * @param remedy The remedy in an error.
 * @param sha256 The file's hash, where it is known.
 * @param limits Replace those of `DOWNLOAD_LIMITS`.
 * @throws EngineError without a network, where the server does not have the file, or a limit or the hash is violated.
 */
export async function download(
  url: string,
  remedy: string,
  sha256?: string,
  limits: Partial<DownloadLimits> = {},
): Promise<Uint8Array> {
  const bytes = await fetchBytes(url, remedy, { ...DOWNLOAD_LIMITS, ...limits });
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

/** The body of a response. @throws Error where it exceeds the limits. */
async function bodyOf(
  response: Response,
  { silentSeconds, bytesPerSecond, mostBytes }: DownloadLimits,
  onPart: () => void,
): Promise<Uint8Array> {
  const tooMuch = (bytes: number) => new Error(`${bytes} bytes, and at most ${mostBytes} were expected`);
  const declared = Number(response.headers.get('content-length') ?? 0);
  if (declared > mostBytes) throw tooMuch(declared);
  const start = performance.now();
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
    const seconds = (performance.now() - start) / 1000;
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

async function fetchBytes(url: string, remedy: string, limits: DownloadLimits): Promise<Uint8Array> {
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
    // Stops a download that is still running.
    controller.abort();
  }
}
