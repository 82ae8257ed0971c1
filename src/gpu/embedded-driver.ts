import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createBrotliDecompress } from 'node:zlib';
import envPaths from 'env-paths';
import { extract } from 'tar-stream';
import { EngineError } from '../base/errors.js';

const FILES = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];

/** RTLD_NOW, and RTLD_NODELETE: the library stays although Node finds that it is no addon and closes its handle. */
const KEEP_LOADED = 0x2 | 0x1000;

/** True where the npm package carries a driver that this system can load. */
export function embeddedDriverExists(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

function packedDriver(): string {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  return join(dirname(entry), '..', '..', 'bin', 'swiftshader.tar.br');
}

async function unpack(archive: string, folder: string): Promise<void> {
  const files = createReadStream(archive).pipe(createBrotliDecompress()).pipe(extract());
  for await (const entry of files) {
    if (FILES.includes(entry.header.name)) {
      await writeFile(join(folder, entry.header.name), await buffer(entry), { mode: 0o755 });
    } else {
      entry.resume();
    }
  }
}

/** Unpacks SwiftShader into the user's cache, once per version, and returns the folder. */
async function unpackedDriver(): Promise<string> {
  const archive = packedDriver();
  const version = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex')
    .slice(0, 12);
  const cache = envPaths('parsimony', { suffix: '' }).cache;
  const folder = join(cache, `swiftshader-${version}`);
  if (FILES.every((file) => existsSync(join(folder, file)))) return folder;

  // Two processes may get here at once: each unpacks aside, and the second finds the folder in place.
  await mkdir(cache, { recursive: true });
  const aside = await mkdtemp(join(cache, 'unpacking-'));
  try {
    await unpack(archive, aside);
    await chmod(aside, 0o755);
    await rename(aside, folder);
  } catch (cause) {
    await rm(aside, { recursive: true, force: true });
    if (!FILES.every((file) => existsSync(join(folder, file)))) throw cause;
  }
  return folder;
}

/**
 * Makes the Vulkan driver SwiftShader, which npm brought along, the only one this process sees. It must run in the
 * main thread (a worker's changes to the environment do not reach the Vulkan loader) and before Dawn looks for
 * adapters. Neither root nor a Vulkan loader of the system is needed.
 *
 * @throws EngineError where the driver cannot be unpacked or does not exist for this system.
 */
export async function installEmbeddedDriver(): Promise<void> {
  installation ??= install().catch((error) => {
    installation = undefined;
    throw error;
  });
  const description = await installation;
  // Named each time: a caller may have put its environment back since.
  process.env.VK_DRIVER_FILES = description;
  process.env.VK_ICD_FILENAMES = description;
  isNamed = true;
}

/** The path of the driver's description. Unpacked and loaded once in a process, also where several devices are opened at a time. */
let installation: Promise<string> | undefined;

/** Whether the environment names the embedded driver by now, and with it every adapter that Dawn finds from here on. */
let isNamed = false;

export function embeddedDriverIsInstalled(): boolean {
  return isNamed;
}

async function install(): Promise<string> {
  if (!embeddedDriverExists()) {
    throw new EngineError({
      what: `the embedded driver does not exist for ${process.platform} ${process.arch}`,
      expected: 'linux x64',
      remedy: 'install a graphics driver (`parsimony doctor` says which)',
    });
  }
  let folder: string;
  try {
    folder = await unpackedDriver();
  } catch (cause) {
    throw new EngineError(
      {
        what: `the embedded driver could not be unpacked (${(cause as Error).message})`,
        expected: 'a cache folder that can be written, with 20 MB free',
        remedy: 'set XDG_CACHE_HOME to such a folder',
      },
      { cause },
    );
  }
  try {
    process.dlopen({ exports: {} }, join(folder, 'libvulkan.so.1'), KEEP_LOADED);
  } catch {
    // "Module did not self-register": it is a library, no Node addon. It is loaded all the same.
  }
  return join(folder, 'vk_swiftshader_icd.json');
}
