import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What Dawn prints though nothing is wrong: two limits on every software adapter, and, where it finds no Vulkan loader or
 * none with a driver, that and the place in its source. What follows from the latter we say in a line of our own.
 */
const HARMLESS = new RegExp(
  `(?:${[
    'maxDynamic(?:Uniform|Storage)BuffersPerPipelineLayout artificially reduced ',
    "Couldn't load Vulkan: ",
    'vkCreateInstance: Found no drivers!',
    'vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER',
  ]
    .map((beginning) => `^Warning: ${beginning}.*\\n(?:(?:[ \\t]+at .*\\n)+\\n?)?`)
    .join('|')})+`,
  'gm',
);

const STDERR = 2;

/** Whether a pipe has a reader; true of all else. Opening one without a reader would wait forever. */
function isRead(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return false;
    throw error;
  }
}

/** Opens a path so that it takes the descriptor of standard error, which is the lowest free one once it is closed. */
function putOnStderr(path: string, flags: string): void {
  closeSync(STDERR);
  openSync(path, flags);
}

/**
 * Makes a call of Dawn's and passes on everything that is written to standard error meanwhile, except Dawn's harmless warnings.
 * Dawn writes them from native code, past `process.stderr`, so the descriptor itself is sent through a file until the call
 * returns. Nothing else of this thread runs in that time: the warnings come from the call itself, not from what it promises. That
 * is possible where standard error is a terminal, a file or a pipe on Linux and macOS; elsewhere, and where it is a socket (as
 * of a child of Node's `spawn`), the warnings stay. In a file that others may write to from the same place, they are made blank.
 */
export function withoutHarmlessWarnings<T>(action: () => T): T {
  const place = placeInFile(STDERR);
  if (place !== undefined) {
    try {
      return action();
    } finally {
      blankMatches(STDERR, place, HARMLESS);
    }
  }
  const detour = openDetour();
  if (!detour) return action();
  putOnStderr(detour.aside, 'w');
  try {
    return action();
  } finally {
    const before = `/dev/fd/${detour.original}`;
    putOnStderr(isRead(before) ? before : '/dev/null', 'a');
    closeSync(detour.original);
    const rest = readFileSync(detour.aside, 'utf8').replace(HARMLESS, '');
    rmSync(detour.folder, { recursive: true, force: true });
    if (rest !== '') passOn(rest);
  }
}

function passOn(text: string): void {
  try {
    writeSync(STDERR, text);
  } catch {
    // The pipe has no reader, or the disk is full: the text carries no result.
  }
}

/** The file through which standard error goes, and a second descriptor of it; undefined where either cannot be had. */
function openDetour(): { folder: string; aside: string; original: number } | undefined {
  if (process.platform === 'win32') return undefined;
  let folder: string | undefined;
  try {
    if (fstatSync(STDERR).isSocket()) return undefined;
    folder = mkdtempSync(join(tmpdir(), 'parsimony-stderr-'));
    const aside = join(folder, 'stderr');
    closeSync(openSync(aside, 'w'));
    if (isRead('/dev/fd/2')) return { folder, aside, original: openSync('/dev/fd/2', 'a') };
  } catch {
    // Closed, no folder for temporary files, or a terminal of another user's: a few warnings more are no harm.
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
  return undefined;
}

/**
 * Where the next byte goes that is written to a descriptor of a file, where that place is shared with others: with standard
 * output after `> log 2>&1`, and with the commands before and after this one in `(a; b) 2> log`. To open the file again, by a
 * path, would be to write from a place of one's own, and over what they write. Undefined of all that is no file, of one that is
 * always written at its end (`2>> log`), and outside Linux: macOS opens such a path at the same place.
 */
function placeInFile(descriptor: number): number | undefined {
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
function blankMatches(descriptor: number, from: number, pattern: RegExp): void {
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
