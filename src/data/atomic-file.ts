import { randomBytes } from 'node:crypto';
import { constants, type Stats, write } from 'node:fs';
import { access, type FileHandle, lstat, open, readlink, realpath, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cannotBeWritten, codeOf } from './file-errors.js';

/** What a file is written under before it has its name. The name is short: the file's own may be as long as names can be. */
const PART = /^\.parsimony-[0-9a-f]{12}\.part$/;

/** Whether a name is that of a file that a process which was killed while it wrote has left. */
export function isPartialFile(name: string): boolean {
  return PART.test(name);
}

/** As many as Linux follows. */
const MOST_LINKS = 40;

/** Where a path leads to: an open file of this process, or a file by its path, which may not be there yet. */
interface Target {
  descriptor?: number;
  path: string;
  stats?: Stats;
}

/** The number of an open file of this process, where a path names one. */
function descriptorOf(path: string): number | undefined {
  const stream = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].indexOf(path);
  if (stream >= 0) return stream;
  const [, process_, number] = /^\/(?:dev|proc\/(self|\d+))\/fd\/(\d+)$/.exec(path) ?? [];
  const isOurs = process_ === undefined || process_ === 'self' || process_ === `${process.pid}`;
  return number !== undefined && isOurs ? Number(number) : undefined;
}

/** Follows symbolic links to their end, which need not exist. */
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
    // Not joined: ".." after a link to a folder leads out of that folder, not of the one that holds the link.
    at = isAbsolute(link) ? link : `${await realpath(dirname(at))}/${link}`;
  }
  throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
}

/** Flushes what a folder says of its files: else a power cut may take back a rename. */
export async function flushFolder(path: string): Promise<void> {
  // Windows opens no folder, and some file systems flush none: there, a rename is as safe as it gets.
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

/** Writes to an open file from where it stands, as everything else that this process writes to it. */
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
      // A pipe that does not block is full.
      if (codeOf(error) !== 'EAGAIN') throw error;
      await delay(5);
    }
  }
}

/** Gives a new file the owner and the mode of the one that it replaces. */
async function likeBefore(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const now = await file.stat();
  // Only root may give a file away.
  if (now.uid !== uid || now.gid !== gid) await file.chown(uid, gid).catch(() => {});
  await file.chmod(mode & 0o7777);
}

async function replace({ path, stats }: Target, content: Content): Promise<void> {
  // A rename asks for no permission on the file that it replaces.
  if (stats) await access(path, constants.W_OK);
  const aside = `${dirname(path)}/.parsimony-${randomBytes(6).toString('hex')}.part`;
  try {
    const file = await open(aside, 'wx');
    try {
      await file.writeFile(content);
      if (stats && process.platform !== 'win32') await likeBefore(file, stats);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => {});
    throw error;
  }
  await flushFolder(dirname(path));
}

function refuseFolder({ stats }: Target): void {
  if (stats?.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
}

/**
 * Writes a file whole or not at all, whatever happens meanwhile: aside, flushed, then renamed over what stood there, and the
 * folder flushed. It keeps the mode of what stood there. Symbolic links are followed. What is no regular file, such as a device,
 * a pipe or /dev/stdout, is written through.
 * @throws CallerError where nothing can be written there; EngineError where the disk refuses.
 */
export async function writeAtomically(path: string, content: Content): Promise<void> {
  let place = path;
  try {
    const target = await targetOf(path);
    place = target.path;
    refuseFolder(target);
    if (target.descriptor !== undefined) await writeToDescriptor(target.descriptor, content);
    else if (!target.stats || target.stats.isFile()) await replace(target, content);
    else {
      const file = await open(place, constants.O_WRONLY);
      await file.writeFile(content).finally(() => file.close());
    }
  } catch (error) {
    throw cannotBeWritten(path, error, place);
  }
}

/**
 * Makes sure, before long work, that its result can be written to a path then, as far as that can be known.
 * @throws CallerError where a folder is missing or stands in the place of the file, or permission is missing.
 */
export async function checkWritable(path: string): Promise<void> {
  let place = path;
  try {
    const target = await targetOf(path);
    place = target.path;
    refuseFolder(target);
    if (target.descriptor !== undefined) return;
    if (target.stats) await access(place, constants.W_OK);
    if (!target.stats || target.stats.isFile()) {
      const folder = await open(dirname(place), constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
      await folder.close();
      await access(dirname(place), constants.W_OK | constants.X_OK);
    }
  } catch (error) {
    throw cannotBeWritten(path, error, place);
  }
}
