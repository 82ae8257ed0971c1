import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/**
 * Where the next byte goes that is written to a descriptor of a file, where that place is shared with others: with standard
 * output after `> log 2>&1`, and with the commands before and after this one in `(a; b) 2> log`. To open the file again, by a
 * path, would be to write from a place of one's own, and over what they write. Undefined of all that is no file, of one that is
 * always written at its end (`2>> log`), and outside Linux: macOS opens such a path at the same place.
 */
export function placeInFile(descriptor: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    if (!fstatSync(descriptor).isFile()) return undefined;
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    const [, place] = /^pos:\s*(\d+)$/m.exec(info) ?? [];
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(info) ?? [];
    if (place === undefined || flags === undefined) return undefined;
    return Number.parseInt(flags, 8) & constants.O_APPEND ? undefined : Number(place);
  } catch {
    return undefined;
  }
}

/**
 * Makes blank what was written to a descriptor's file from a place on and matches a pattern: each match is then one line of
 * spaces. It cannot be taken out, for the place where others go on to write does not move back. Where the file may not be
 * read and written by its path, all stays.
 * @param pattern With the flag `g`; of characters that are single bytes; its matches end with a line's end.
 */
export function blankMatches(descriptor: number, from: number, pattern: RegExp): void {
  const to = placeInFile(descriptor);
  if (to === undefined || to <= from) return;
  try {
    const file = openSync(`/proc/self/fd/${descriptor}`, 'r+');
    try {
      const bytes = Buffer.alloc(to - from);
      const length = readSync(file, bytes, 0, bytes.length, from);
      for (const match of bytes.toString('latin1', 0, length).matchAll(pattern)) {
        writeSync(file, `${' '.repeat(match[0].length - 1)}\n`, from + match.index);
      }
    } finally {
      closeSync(file);
    }
  } catch {
    // A few warnings more are no harm.
  }
}
