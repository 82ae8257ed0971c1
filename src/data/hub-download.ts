import { existsSync } from 'node:fs';
import { CallerError, EngineError } from '../base/errors.js';
import { download, huggingFaceEndpoint } from './download.js';
import { readText } from './files.js';
import { noteRevision, OPTIONAL_FILES, revisionPath, Snapshot, type WeightsLayout } from './hub-cache.js';

const PREFIX = 'hub:';
const WHOLE_COMMIT = /^[0-9a-f]{40}$/;

const INSTEAD = 'use the folder of a checkpoint, or try again with a network';

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
    // Hugging Face allows none: its cache has "--" where the name has "/".
    !id.includes('--') &&
    id.split('/').every((name) => part.test(name)) &&
    revision.split('/').every((name) => part.test(name));
  if (isName) return { id, revision };
  throw new CallerError({ what: `"${text}"`, expected: 'hub:owner/model or hub:owner/model@revision' });
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

/** The commit that a revision was when the server was last asked, by us or another tool. */
async function lastCommit({ id, revision }: HubName): Promise<string | undefined> {
  if (WHOLE_COMMIT.test(revision)) return revision;
  const path = revisionPath(id, revision);
  const commit = existsSync(path) ? (await readText(path)).trim() : '';
  return WHOLE_COMMIT.test(commit) ? commit : undefined;
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

/** Downloads what a snapshot lacks. Weights that are there, of any kind, are not downloaded as another kind. */
async function fetchMissing(
  name: HubName,
  snapshot: Snapshot,
  remote: readonly RemoteFile[],
  { names }: WeightsLayout,
  report: (line: string) => void,
): Promise<void> {
  const { commit } = snapshot;
  const find = (wanted: string) => remote.find((file) => file.name === wanted);
  const fetchNamed = async (wanted: string) => {
    const file = find(wanted);
    if (!file) {
      throw new CallerError({
        what: `no ${wanted} at ${commit}`,
        where: `${PREFIX}${name.id}`,
        expected: 'a checkpoint in safetensors or in PyTorch files',
      });
    }
    if (snapshot.has(wanted)) return;
    report(`Downloading ${wanted} of ${name.id} at ${commit.slice(0, 12)}`);
    await snapshot.write(wanted, await fetchFile(name, commit, file));
  };
  await fetchNamed('config.json');
  for (const wanted of OPTIONAL_FILES)
    await (find(wanted) ? fetchNamed(wanted) : snapshot.noteAbsence(wanted));
  if (await snapshot.hasWeights()) return;
  const weights = names.find(find) ?? names[0];
  await fetchNamed(weights);
  for (const shard of await snapshot.shardsOf(weights)) await fetchNamed(shard);
}

/**
 * A checkpoint of Hugging Face's: from the user's cache, which its own tools fill too, or downloaded into it.
 * @param report Is told of each download.
 * @throws EngineError where it is not in the cache and cannot be downloaded; CallerError where it is no checkpoint.
 */
export async function hubCheckpoint(
  name: HubName,
  layout: WeightsLayout,
  report: (line: string) => void,
): Promise<HubCheckpoint> {
  const last = await lastCommit(name);
  const cached = last === undefined ? undefined : new Snapshot(name.id, last, layout);
  const found = ({ commit, folder }: Snapshot): HubCheckpoint => ({ ...name, commit, folder });
  if (cached && last === name.revision && (await cached.isComplete())) return found(cached);
  const answer = await askServer(name).catch(async (error: unknown) => {
    if (error instanceof EngineError && (await cached?.isUsable())) return undefined;
    throw error;
  });
  if (!answer) {
    report(`${PREFIX}${name.id}: Hugging Face does not answer; taking ${last} from the cache.`);
    return found(cached!);
  }
  const snapshot = new Snapshot(name.id, answer.commit, layout);
  await fetchMissing(name, snapshot, answer.files, layout, report);
  if (answer.commit !== name.revision) await noteRevision(name.id, name.revision, answer.commit);
  return found(snapshot);
}
