import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createFolder, readText, writeAtomically } from './files.js';

/** Files that a checkpoint may have, besides its configuration and weights. */
export const OPTIONAL_FILES = [
  'vocab.txt',
  'tokenizer.json',
  'tokenizer_config.json',
  'added_tokens.json',
  'special_tokens_map.json',
  'rules.json',
];

/** A path in the user's cache of Hugging Face's hub, which its own tools fill too; it need not exist. */
export function hubCachePath(...names: string[]): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  return join(HF_HUB_CACHE ?? join(home, 'hub'), ...names);
}

/** Where a cache keeps a repository. */
function repositoryPath(id: string): string {
  return hubCachePath(`models--${id.replaceAll('/', '--')}`);
}

/** How a checkpoint's weights are found among its files. */
export interface WeightsLayout {
  /** Names of weights files and of indexes of several, the best first. */
  names: readonly string[];
  /** The files that an index names. @throws CallerError where it is none. */
  filesOf: (index: string, where: string) => Iterable<string>;
}

/**
 * A commit of a repository in the user's cache, in the layout of Hugging Face's own tools: `snapshots/COMMIT/NAME` is a file, and
 * `.no_exist/COMMIT/NAME` notes that the repository lacks it. Those tools link a snapshot's files to `blobs`; files that are not
 * links they take as they are.
 */
export class Snapshot {
  readonly folder: string;
  private readonly absent: string;

  constructor(
    id: string,
    readonly commit: string,
    private readonly layout: WeightsLayout,
  ) {
    this.folder = join(repositoryPath(id), 'snapshots', commit);
    this.absent = join(repositoryPath(id), '.no_exist', commit);
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  private isAbsent(name: string): boolean {
    return existsSync(join(this.absent, name));
  }

  async write(name: string, content: Uint8Array): Promise<void> {
    await createFolder(this.folder);
    await writeAtomically(join(this.folder, name), content);
  }

  /** Notes that the repository has no such file. */
  async noteAbsence(name: string): Promise<void> {
    if (this.isAbsent(name)) return;
    await createFolder(this.absent);
    await writeAtomically(join(this.absent, name), '');
  }

  /** The files that an index names; none of a file that is no index. @throws CallerError where an index cannot be read. */
  async shardsOf(weights: string): Promise<string[]> {
    if (!weights.endsWith('.json')) return [];
    const index = join(this.folder, weights);
    return [...new Set(this.layout.filesOf(await readText(index), index))];
  }

  /** Whether all weights are there, of one of the kinds that are read. */
  async hasWeights(): Promise<boolean> {
    for (const name of this.layout.names) {
      if (this.has(name) && (await this.shardsOf(name)).every((shard) => this.has(shard))) return true;
    }
    return false;
  }

  /** Whether there is a model, although files that describe its text may be missing. */
  async isUsable(): Promise<boolean> {
    return this.has('config.json') && (await this.hasWeights());
  }

  /** Whether the repository has nothing more that a model needs. */
  async isComplete(): Promise<boolean> {
    return OPTIONAL_FILES.every((name) => this.has(name) || this.isAbsent(name)) && (await this.isUsable());
  }
}

/** The file that says which commit a branch or tag was when the server was last asked. */
export function revisionPath(id: string, revision: string): string {
  return join(repositoryPath(id), 'refs', revision);
}

/** Notes which commit a branch or tag is. */
export async function noteRevision(id: string, revision: string, commit: string): Promise<void> {
  const path = revisionPath(id, revision);
  if (existsSync(path) && (await readText(path)) === commit) return;
  await createFolder(dirname(path));
  await writeAtomically(path, commit);
}
