import { existsSync } from 'node:fs';
import { CallerError, EngineError } from '../base/errors.js';
import { download, huggingFaceEndpoint } from './download.js';
import { readText } from './files.js';
import { noteRevision, OPTIONAL_FILES, revisionPath, Snapshot, type WeightsLayout } from './hub-cache.js';

const PREFIX = 'hub:';
const WHOLE_COMMIT = /^[0-9a-f]{40}$/;

const REMEDY = 'use the folder of a checkpoint, or try again with a network';

/** A repository of Hugging Face's hub at a revision: a branch, a tag or a commit. */
export interface HubName {
  id: string;
  revision: string;
}

/** A checkpoint on the local disk. */
export interface HubCheckpoint extends HubName {
  /** The commit of the revision. */
  commit: string;
  folder: string;
}

interface RemoteFile {
  name: string;
  sha256?: string;
  /** In bytes, from the server's list. */
  size?: number;
}

/** The largest file that is downloaded: weights of a billion parameters in f32. */
const LARGEST_FILE = 2 ** 32;

/**
 * Parses `hub:owner/model` or `hub:owner/model@revision`.
 * @returns undefined for a text without `hub:`.
 * @throws CallerError for an invalid name of a repository.
 */
export function parseHubName(text: string): HubName | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const [id, revision = 'main', ...rest] = text.slice(PREFIX.length).split('@');
  const part = /^\w[\w.-]*$/;
  const isName =
    rest.length === 0 &&
    id.split('/').length <= 2 &&
    // Hugging Face does not allow "--": its cache writes "/" as "--".
    !id.includes('--') &&
    id.split('/').every((name) => part.test(name)) &&
    revision.split('/').every((name) => part.test(name));
  if (isName) return { id, revision };
  throw new CallerError({ what: `"${text}"`, expected: 'hub:owner/model or hub:owner/model@revision' });
}

async function askServer({ id, revision }: HubName): Promise<{ commit: string; files: RemoteFile[] }> {
  const url = `${huggingFaceEndpoint()}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const text = new TextDecoder().decode(await download(url, REMEDY));
  try {
    const { sha, siblings } = JSON.parse(text);
    const files = siblings.map((file: { rfilename: string; size?: number; lfs?: { sha256?: string } }) => {
      const size = Number.isSafeInteger(file.size) ? file.size : undefined;
      return { name: String(file.rfilename), sha256: file.lfs?.sha256, size };
    });
    if (WHOLE_COMMIT.test(sha)) return { commit: sha, files };
  } catch {
    // Reported below, like a response without a commit.
  }
  throw new EngineError({ what: 'the response has no commit or no files', where: url, remedy: REMEDY });
}

/** The commit of a revision as of the last request to the server, by this or another tool. */
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
  const bytes = await download(url, REMEDY, sha256, { mostBytes });
  if (size === undefined || bytes.length === size) return bytes;
  throw new EngineError({
    what: `the download has ${bytes.length} bytes`,
    where: url,
    expected: `${size}, as the server lists it`,
    remedy: REMEDY,
  });
}

/** Downloads the missing files of a snapshot. Weights are not downloaded where another supported format is present. */
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
 * A checkpoint of Hugging Face's hub, from the user's cache or downloaded into it.
 * @param report Receives a line about each download.
 * @throws EngineError where it is not in the cache and cannot be downloaded; CallerError where it is not a checkpoint.
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
    report(`${PREFIX}${name.id}: Hugging Face does not answer; using ${last} from the cache.`);
    return found(cached!);
  }
  const snapshot = new Snapshot(name.id, answer.commit, layout);
  await fetchMissing(name, snapshot, answer.files, layout, report);
  if (answer.commit !== name.revision) await noteRevision(name.id, name.revision, answer.commit);
  return found(snapshot);
}
