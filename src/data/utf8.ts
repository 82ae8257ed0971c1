import { CallerError } from '../base/errors.js';

const LINE_FEED = 10;

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The number of the first line that is not UTF-8. */
function firstWrongLine(bytes: Uint8Array): number {
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end >= 0 && isUtf8(bytes.subarray(start, end)); line++) {
    start = end + 1;
    end = bytes.indexOf(LINE_FEED, start);
  }
  return line;
}

/**
 * Decodes the text of a file, without its byte order mark.
 * @throws CallerError with the line where it is not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CallerError({
      what: 'not UTF-8',
      where: `${file}:${firstWrongLine(bytes)}`,
      expected: 'text in UTF-8',
      remedy: 'convert it, with iconv say',
    });
  }
}
