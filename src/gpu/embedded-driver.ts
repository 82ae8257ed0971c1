import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createBrotliDecompress } from 'node:zlib';
import envPaths from 'env-paths';
import { EngineError } from '../base/errors.js';

const FILES = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];

/** RTLD_NOW and RTLD_NODELETE: the library stays loaded after Node closes its handle, since it is not an addon. */
const KEEP_LOADED = 0x2 | 0x1000;

/** The archive with the driver; undefined where npm was told to omit optional packages. */
function packedDriver(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    return join(dirname(entry), '..', '..', 'bin', 'swiftshader.tar.br');
  } catch {
    return undefined;
  }
}

/** Whether the npm package is here, and has a driver that this system can load. */
export function embeddedDriverExists(): boolean {
  return isForThisSystem() && packedDriver() !== undefined;
}

function isForThisSystem(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

async function unpack(archive: string, folder: string): Promise<void> {
  const { extract } = await import('tar-stream');
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
  const archive = packedDriver()!;
  const version = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex')
    .slice(0, 12);
  const cache = envPaths('parsimony', { suffix: '' }).cache;
  const folder = join(cache, `swiftshader-${version}`);
  if (FILES.every((file) => existsSync(join(folder, file)))) return folder;

  // Two processes may unpack at once: each unpacks into a separate folder, and the second rename finds the target in place.
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
 * Makes SwiftShader, the Vulkan driver from npm, the only driver of this process. It must run in the main thread (a worker's changes to
 * the environment do not reach the Vulkan loader) and before Dawn searches for adapters. It needs neither root nor a Vulkan loader of
 * the system.
 *
 * @throws EngineError where the driver cannot be unpacked or does not exist for this system.
 */
export async function installEmbeddedDriver(): Promise<void> {
  installation ??= install().catch((error) => {
    installation = undefined;
    throw error;
  });
  const description = await installation;
  // Set each time: a caller may have restored its environment since.
  process.env.VK_DRIVER_FILES = description;
  process.env.VK_ICD_FILENAMES = description;
  isNamed = true;
}

/** The path of the driver's description. A process unpacks and loads it once, also where several devices are opened at a time. */
let installation: Promise<string> | undefined;

/** Whether the environment names the embedded driver: Dawn then finds no other adapter. */
let isNamed = false;

export function embeddedDriverIsInstalled(): boolean {
  return isNamed;
}

async function install(): Promise<string> {
  if (!isForThisSystem()) {
    throw new EngineError({
      what: `the embedded driver does not exist for ${process.platform} ${process.arch}`,
      expected: 'linux x64',
      remedy: 'install a graphics driver (`parsimony doctor` says which)',
    });
  }
  if (!packedDriver()) {
    throw new EngineError({
      what: 'the package with the embedded driver, @sparticuz/chromium, is not installed',
      remedy: 'npm install @sparticuz/chromium; it is optional, so that a GPU or a browser does without it',
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
    // "Module did not self-register": it is a library, not a Node addon, and stays loaded.
  }
  return join(folder, 'vk_swiftshader_icd.json');
}
