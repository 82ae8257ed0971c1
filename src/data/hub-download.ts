import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CallerError, EngineError } from '../base/errors.js';
import { cacheFolder, download, huggingFaceEndpoint } from './download.js';
import { createFolder, readText, writeWhole } from './files.js';

const PREFIX = 'hub:';
const WHOLE_COMMIT = /^[0-9a-f]{40}$/;

/** What stands last in a folder of the cache: without it, its download did not end. */
const COMPLETE = 'files.json';

const INSTEAD = 'use the folder of a checkpoint, or try again with a network';

/** Files that a checkpoint needs not all have, beside its weights. */
const DESCRIPTION = [
  'vocab.txt',
  'tokenizer.json',
  'tokenizer_config.json',
  'added_tokens.json',
  'special_tokens_map.json',
  'rules.json',
];

/** A repository of Hugging Face's at a revision: a branch, a tag or a commit. */
export interface HubName {
  id: string;
  revision: string;
}

/** A checkpoint on this disk. */
export interface HubCheckpoint extends HubName {
  /** The commit that the revision is. */
  commit: string;
  folder: string;
}

interface RemoteFile {
  name: string;
  sha256?: string;
  /** In bytes, as the server lists it. */
  size?: number;
}

/** The largest file that is read, where the server does not list how large it is: weights of a billion parameters in f32. */
const LARGEST_FILE = 2 ** 32;

/**
 * Reads `hub:owner/model` or `hub:owner/model@revision`.
 * @returns undefined where the text does not begin so.
 * @throws CallerError where it names no repository.
 */
export function parseHubName(text: string): HubName | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const [id, revision = 'main', ...rest] = text.slice(PREFIX.length).split('@');
  const part = /^\w[\w.-]*$/;
  const isName =
    rest.length === 0 &&
    id.split('/').length <= 2 &&
    id.split('/').every((name) => part.test(name)) &&
    revision.split('/').every((name) => part.test(name));
  if (isName) return { id, revision };
  throw new CallerError({ what: `"${text}"`, expected: 'hub:owner/model or hub:owner/model@revision' });
}

/** A name as one part of a path. What it may hold has no "%", so that no two names become one. */
function escaped(name: string): string {
  return name.replaceAll('/', '%2F');
}

function folderOf(id: string): string {
  return cacheFolder('hub', escaped(id));
}

/** Where the cache keeps which commit a revision was when it was last asked for. */
function revisionFile({ id, revision }: HubName): string {
  return join(folderOf(id), `${escaped(revision)}.revision`);
}

function checkpointFolder(id: string, commit: string): string {
  return join(folderOf(id), commit);
}

function isComplete(id: string, commit: string): boolean {
  return existsSync(join(checkpointFolder(id, commit), COMPLETE));
}

async function askServer({ id, revision }: HubName): Promise<{ commit: string; files: RemoteFile[] }> {
  const url = `${huggingFaceEndpoint()}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const text = new TextDecoder().decode(await download(url, INSTEAD));
  try {
    const { sha, siblings } = JSON.parse(text);
    const files = siblings.map((file: { rfilename: string; size?: number; lfs?: { sha256?: string } }) => {
      const size = Number.isSafeInteger(file.size) ? file.size : undefined;
      return { name: String(file.rfilename), sha256: file.lfs?.sha256, size };
    });
    if (WHOLE_COMMIT.test(sha)) return { commit: sha, files };
  } catch {
    // Told below, as an answer without a commit.
  }
  throw new EngineError({ what: 'the answer names no commit and files', where: url, remedy: INSTEAD });
}

/** The commit of a revision: as the server says or, where it does not answer, as it last did. */
async function resolve(
  name: HubName,
  report: (line: string) => void,
): Promise<{ commit: string; files?: RemoteFile[] }> {
  if (WHOLE_COMMIT.test(name.revision) && isComplete(name.id, name.revision))
    return { commit: name.revision };
  try {
    return await askServer(name);
  } catch (error) {
    const last = existsSync(revisionFile(name)) ? (await readText(revisionFile(name))).trim() : '';
    if (!(error instanceof EngineError) || !WHOLE_COMMIT.test(last) || !isComplete(name.id, last))
      throw error;
    report(
      `${PREFIX}${name.id}: Hugging Face does not answer; ${name.revision} was ${last} when it last did.`,
    );
    return { commit: last };
  }
}

async function fetchFile(
  { id }: HubName,
  commit: string,
  { name, sha256, size }: RemoteFile,
): Promise<Uint8Array> {
  const url = `${huggingFaceEndpoint()}/${id}/resolve/${commit}/${name}`;
  const mostBytes = Math.min(size ?? LARGEST_FILE, LARGEST_FILE);
  const bytes = await download(url, INSTEAD, sha256, { mostBytes });
  if (size === undefined || bytes.length === size) return bytes;
  throw new EngineError({
    what: `the download has ${bytes.length} bytes`,
    where: url,
    expected: `${size}, as the server lists it`,
    remedy: INSTEAD,
  });
}

/** How a checkpoint's weights are found among its files. */
export interface WeightsLayout {
  /** Names of weights files and of indexes of several, the best first. */
  names: readonly string[];
  /** The files that an index names. @throws CallerError where it is none. */
  filesOf: (index: string, where: string) => Iterable<string>;
}

async function fetchAll(
  name: HubName,
  commit: string,
  remote: readonly RemoteFile[],
  layout: WeightsLayout,
  report: (line: string) => void,
): Promise<void> {
  const folder = checkpointFolder(name.id, commit);
  await createFolder(folder);
  const fetched: string[] = [];
  const fetchNamed = async (wanted: string) => {
    const file = remote.find((candidate) => candidate.name === wanted);
    if (!file) {
      const expected = 'a checkpoint in safetensors or in PyTorch files';
      throw new CallerError({
        what: `no ${wanted} at ${commit}`,
        where: `${PREFIX}${name.id}`,
        expected,
      });
    }
    report(`Downloading ${wanted} of ${name.id} at ${commit.slice(0, 12)}`);
    await writeWhole(join(folder, wanted), await fetchFile(name, commit, file));
    fetched.push(wanted);
  };
  const has = (wanted: string) => remote.some((file) => file.name === wanted);
  await fetchNamed('config.json');
  for (const wanted of DESCRIPTION.filter(has)) await fetchNamed(wanted);
  const weights = layout.names.find(has) ?? layout.names[0];
  await fetchNamed(weights);
  if (weights.endsWith('.json')) {
    const index = join(folder, weights);
    for (const shard of new Set(layout.filesOf(await readText(index), index))) await fetchNamed(shard);
  }
  await writeWhole(join(folder, COMPLETE), `${JSON.stringify(fetched)}\n`);
}

/**
 * A checkpoint of Hugging Face's: from the user's cache, or downloaded into it.
 * @param report Is told of each download.
 * @throws EngineError where it is not in the cache and cannot be downloaded; CallerError where it is no checkpoint.
 */
export async function hubCheckpoint(
  name: HubName,
  layout: WeightsLayout,
  report: (line: string) => void,
): Promise<HubCheckpoint> {
  const { commit, files } = await resolve(name, report);
  if (!isComplete(name.id, commit)) await fetchAll(name, commit, files!, layout, report);
  await writeWhole(revisionFile(name), `${commit}\n`);
  return { ...name, commit, folder: checkpointFolder(name.id, commit) };
}
