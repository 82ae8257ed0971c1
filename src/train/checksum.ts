import { createHash } from 'node:crypto';
import { CallerError } from '../base/errors.js';
import { formatSafetensors, openSafetensors, type Tensor } from './safetensors.js';

/** The key of the checksum in the file's metadata. */
const KEY = 'sha256';

const OPENING = `"${KEY}":"`;

/** Replaces the checksum while it is computed. */
const BLANK = '0'.repeat(64);

/** The SHA-256 of consecutive parts, in hexadecimal digits. */
export function checksumOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** The offset of the first checksum of a file, or -1. Quotes inside other metadata are escaped, so they do not match. */
function checksumOffset(file: Uint8Array): number {
  const at = Buffer.from(file.buffer, file.byteOffset, file.byteLength).indexOf(OPENING);
  return at < 0 ? at : at + OPENING.length;
}

function checksumAround(file: Uint8Array, at: number): string {
  return checksumOf(file.subarray(0, at), BLANK, file.subarray(at + BLANK.length));
}

/** `formatSafetensors`, with a checksum of the whole file in its metadata. Any reader of the format can read it. */
export function formatWithChecksum(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const file = formatSafetensors(tensors, { [KEY]: BLANK, ...metadata });
  const at = checksumOffset(file);
  file.set(Buffer.from(checksumAround(file, at)), at);
  return file;
}

/**
 * Checks that a file has the bytes that `formatWithChecksum` wrote.
 * @param remedy What the error tells the user to do.
 * @throws CallerError where the file is cut off, has other bytes or no checksum.
 */
export function verifyChecksum(file: Uint8Array, where: string, remedy: string): void {
  // Reports a file that is cut off.
  openSafetensors(file, where);
  const at = checksumOffset(file);
  if (at < 0) {
    throw new CallerError({
      what: 'has no checksum',
      where,
      expected: 'a file as this version of `parsimony train` writes it',
      remedy,
    });
  }
  const written = Buffer.from(file.subarray(at, at + BLANK.length)).toString('latin1');
  if (written === checksumAround(file, at)) return;
  throw new CallerError({
    what: 'is damaged: its checksum does not match',
    where,
    expected: 'the bytes that were written',
    remedy,
  });
}
