import { dirname } from 'node:path';
import { CallerError, EngineError, type ErrorParts, type ParsimonyError } from '../base/errors.js';

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

type Advice = Pick<ErrorParts, 'expected' | 'remedy'>;

const NO_PERMISSION: Advice = {
  expected: 'permission to write there',
  remedy: 'change the permissions of the file and its folder, or choose another path',
};

const NAME_TAKEN: Advice = {
  expected: 'a file, where a folder has this name',
  remedy: 'choose another name',
};

/** Errors that the caller can fix, by the system's codes. */
const CALLER_ERRORS: Record<string, (path: string) => Advice> = {
  ENOENT: (path) => ({
    expected: `the folder ${dirname(path)}, which does not exist`,
    remedy: 'create it, or choose another path',
  }),
  ENOTDIR: (path) => ({
    expected: `the folder ${dirname(path)}, where a file has this name or one above it`,
    remedy: 'choose another path',
  }),
  EISDIR: () => NAME_TAKEN,
  EEXIST: () => NAME_TAKEN,
  EACCES: () => NO_PERMISSION,
  EPERM: () => NO_PERMISSION,
  EROFS: () => ({ expected: 'a file system that is not read-only', remedy: 'choose another path' }),
  ENAMETOOLONG: () => ({ expected: 'a shorter name', remedy: 'choose another path' }),
  ELOOP: () => ({ expected: 'a symbolic link that leads to a file', remedy: 'choose another path' }),
  ENXIO: () => ({ expected: 'a device or a pipe that takes data', remedy: 'choose another path' }),
};

/** Remedies for errors of the machine. */
const MACHINE_REMEDIES: Record<string, string> = {
  ENOSPC: 'free some space or choose another folder',
  EDQUOT: 'free some space of your quota or choose another folder',
  EFBIG: 'free some space or raise the limit on the size of files (ulimit -f)',
  EMFILE: 'raise the limit on open files (ulimit -n)',
  ENFILE: 'raise the limit on open files of the system',
  EIO: 'check the disk, or choose another folder',
  EPIPE: 'keep its reader open',
};

function cannot(done: string, path: string, target: string, error: unknown): ParsimonyError {
  const code = codeOf(error);
  const parts = { what: `cannot be ${done} (${code})`, where: path === '' ? '""' : path };
  const advice = Object.hasOwn(CALLER_ERRORS, code) ? CALLER_ERRORS[code](target) : undefined;
  if (advice) return new CallerError({ ...parts, ...advice });
  return new EngineError({ ...parts, remedy: MACHINE_REMEDIES[code] ?? 'choose another path' });
}

/**
 * The error of a file that could not be written: a `CallerError` for a missing folder and similar mistakes, an `EngineError`
 * for a full disk and similar faults.
 * @param target The target of a symbolic link.
 */
export function cannotBeWritten(path: string, error: unknown, target = path): ParsimonyError {
  return cannot('written', path, target, error);
}

/** The error of a folder that could not be created. */
export function cannotBeCreated(path: string, error: unknown): ParsimonyError {
  const code = codeOf(error);
  if (code !== 'EEXIST' && code !== 'ENOTDIR') return cannot('created', path, path, error);
  return new CallerError({
    what: `cannot be created (${code})`,
    where: path,
    expected: `a folder that can be created in ${dirname(path)}, where a file has this name or one above it`,
    remedy: 'choose another path',
  });
}

/** The error of a file that could not be removed. */
export function cannotBeRemoved(path: string, error: unknown): ParsimonyError {
  return cannot('removed', path, path, error);
}
