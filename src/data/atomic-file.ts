import { randomBytes } from 'node:crypto';
import { constants, type Stats, write } from 'node:fs';
import { access, type FileHandle, lstat, open, readlink, realpath, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cannotBeWritten, codeOf } from './file-errors.js';

/** The name of a partial file. It is short and independent of the final name, which may have the longest length. */
const PARTIAL_FILE = /^\.parsimony-[0-9a-f]{12}\.part$/;

/** Whether a name is of a partial file, which a process leaves where it is killed while it writes. */
export function isPartialFile(name: string): boolean {
  return PARTIAL_FILE.test(name);
}

/** The number of symbolic links that Linux follows. */
const MOST_LINKS = 40;

/** The target of a path: an open file of this process, or a file by its path, which may not exist yet. */
interface Target {
  descriptor?: number;
  path: string;
  stats?: Stats;
}

/** The descriptor of an open file of this process, where a path names one. */
function descriptorOf(path: string): number | undefined {
  const stream = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].indexOf(path);
  if (stream >= 0) return stream;
  const [, process_, number] = /^\/(?:dev|proc\/(self|\d+))\/fd\/(\d+)$/.exec(path) ?? [];
  const isOurs = process_ === undefined || process_ === 'self' || process_ === `${process.pid}`;
  return number !== undefined && isOurs ? Number(number) : undefined;
}

/** Follows symbolic links. The target may not exist. */
async function targetOf(path: string): Promise<Target> {
  let at = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const descriptor = descriptorOf(at);
    if (descriptor !== undefined) return { descriptor, path: at };
    const stats = await lstat(at).catch((error) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (!stats?.isSymbolicLink()) return { path: at, stats };
    const link = await readlink(at);
    // Not `join`: ".." after a link to a folder means the parent of that folder, not of the link.
    at = isAbsolute(link) ? link : `${await realpath(dirname(at))}/${link}`;
  }
  throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
}

/** Flushes a folder's entries: a power failure could otherwise undo a rename. */
export async function flushFolder(path: string): Promise<void> {
  // Windows cannot open folders, and some file systems cannot flush them.
  const folder = await open(path, 'r').catch(() => undefined);
  try {
    await folder?.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes(codeOf(error))) throw error;
  } finally {
    await folder?.close();
  }
}

type Content = string | Uint8Array;

/** Writes to an open file at its current position. */
async function writeToDescriptor(descriptor: number, content: Content): Promise<void> {
  const stream = [undefined, process.stdout, process.stderr][descriptor];
  if (stream) {
    await new Promise<void>((resolve, reject) => {
      stream.write(content, (error) => (error ? reject(error) : resolve()));
    });
    return;
  }
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length; ) {
    try {
      const { bytesWritten } = await promisify(write)(descriptor, bytes, at, bytes.length - at);
      at += bytesWritten;
    } catch (error) {
      // A non-blocking pipe is full.
      if (codeOf(error) !== 'EAGAIN') throw error;
      await delay(5);
    }
  }
}

/** Gives a new file the owner and the mode of the file that it replaces. */
async function copyOwnerAndMode(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const now = await file.stat();
  // Only root may change the owner.
  if (now.uid !== uid || now.gid !== gid) await file.chown(uid, gid).catch(() => {});
  await file.chmod(mode & 0o7777);
}

async function replace({ path, stats }: Target, content: Content): Promise<void> {
  // A rename needs no permission on the file that it replaces.
  if (stats) await access(path, constants.W_OK);
  const partial = `${dirname(path)}/.parsimony-${randomBytes(6).toString('hex')}.part`;
  try {
    const file = await open(partial, 'wx');
    try {
      await file.writeFile(content);
      if (stats && process.platform !== 'win32') await copyOwnerAndMode(file, stats);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
  await flushFolder(dirname(path));
}

function refuseFolder({ stats }: Target): void {
  if (stats?.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
}

/**
 * Writes a file completely or not at all: to a partial file, flushed, then renamed to the final name, and the folder flushed.
 * A replaced file's owner and mode are kept. Symbolic links are followed. Devices, pipes and /dev/stdout are written directly.
 * @throws CallerError where the path cannot be written; EngineError where the disk fails.
 */
export async function writeAtomically(path: string, content: Content): Promise<void> {
  let resolved = path;
  try {
    const target = await targetOf(path);
    resolved = target.path;
    refuseFolder(target);
    if (target.descriptor !== undefined) await writeToDescriptor(target.descriptor, content);
    else if (!target.stats || target.stats.isFile()) await replace(target, content);
    else {
      const file = await open(resolved, constants.O_WRONLY);
      await file.writeFile(content).finally(() => file.close());
    }
  } catch (error) {
    throw cannotBeWritten(path, error, resolved);
  }
}

/**
 * Checks before long work that its result can be written to a path, as far as possible.
 * @throws CallerError where the folder or a permission is missing, or the path is a folder.
 */
export async function checkWritable(path: string): Promise<void> {
  let resolved = path;
  try {
    const target = await targetOf(path);
    resolved = target.path;
    refuseFolder(target);
    if (target.descriptor !== undefined) return;
    if (target.stats) await access(resolved, constants.W_OK);
    if (!target.stats || target.stats.isFile()) {
      const folder = await open(dirname(resolved), constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
      await folder.close();
      await access(dirname(resolved), constants.W_OK | constants.X_OK);
    }
  } catch (error) {
    throw cannotBeWritten(path, error, resolved);
  }
}
