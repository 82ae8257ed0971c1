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
 * Warnings of Dawn that mean no harm: two limits on every software adapter, and, without a Vulkan loader or driver, that fact and a place
 * in Dawn's source. The missing driver is reported elsewhere, in one line.
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

/** Whether a pipe has a reader; true for everything else. Opening a pipe without a reader would wait forever. */
function isRead(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return false;
    throw error;
  }
}

/** Opens a path on the descriptor of standard error, which is the lowest free one after it is closed. */
function putOnStderr(path: string, flags: string): void {
  closeSync(STDERR);
  openSync(path, flags);
}

/**
 * Calls Dawn and removes its harmless warnings from standard error; everything else that is written meanwhile is passed on. Dawn writes
 * from native code, not through `process.stderr`, so the descriptor is redirected to a file until the call returns. Nothing else of this
 * thread runs in that time: the warnings come from the call, not from its promise. This works where standard error is a terminal, a file
 * or a pipe on Linux and macOS. Elsewhere, and for a socket (as of a child of Node's `spawn`), the warnings stay. In a file whose offset
 * is shared with other writers, they are overwritten with spaces.
 */
export function withoutHarmlessWarnings<T>(action: () => T): T {
  const offset = sharedOffset(STDERR);
  if (offset !== undefined) {
    try {
      return action();
    } finally {
      blankMatches(STDERR, offset, HARMLESS);
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
    // The pipe has no reader, or the disk is full: no result is lost with the text.
  }
}

/** A file to redirect standard error to, and a second descriptor of the original; undefined where either is impossible. */
function openDetour(): { folder: string; aside: string; original: number } | undefined {
  // Deno's file descriptors are numbers of its own: none of them is the one that Dawn writes to.
  if (process.platform === 'win32' || 'deno' in process.versions) return undefined;
  let folder: string | undefined;
  try {
    if (fstatSync(STDERR).isSocket()) return undefined;
    folder = mkdtempSync(join(tmpdir(), 'parsimony-stderr-'));
    const aside = join(folder, 'stderr');
    closeSync(openSync(aside, 'w'));
    if (isRead('/dev/fd/2')) return { folder, aside, original: openSync('/dev/fd/2', 'a') };
  } catch {
    // Closed, without a folder for temporary files, or a terminal of another user: the warnings stay, which does no harm.
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
  return undefined;
}

/**
 * The offset of the next write to a descriptor of a file, where other writers share it: standard output after `> log 2>&1`, and the
 * commands before and after this one in `(a; b) 2> log`. A file opened again by its path would have a separate offset, and overwrite
 * their text. Undefined for everything but files, for files in append mode (`2>> log`), and outside Linux: macOS opens such a path at
 * the same offset.
 */
function sharedOffset(descriptor: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    if (!fstatSync(descriptor).isFile()) return undefined;
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    const [, offset] = /^pos:\s*(\d+)$/m.exec(info) ?? [];
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(info) ?? [];
    if (offset === undefined || flags === undefined) return undefined;
    return Number.parseInt(flags, 8) & constants.O_APPEND ? undefined : Number(offset);
  } catch {
    return undefined;
  }
}

/**
 * Overwrites every match of a pattern in a descriptor's file after an offset with one line of spaces. The text cannot be removed, because
 * the offset of the other writers does not move back. Without permission to read and write the file by its path, all text stays.
 * @param pattern With the flag `g`, of single-byte characters; its matches end with a line end.
 */
function blankMatches(descriptor: number, from: number, pattern: RegExp): void {
  const to = sharedOffset(descriptor);
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
    // The warnings stay, which does no harm.
  }
}
