import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createFolder, readText, writeAtomically } from './files.js';

/** Files that a checkpoint may have in addition to its configuration and weights. */
export const OPTIONAL_FILES = [
  'vocab.txt',
  'tokenizer.json',
  'tokenizer_config.json',
  'added_tokens.json',
  'special_tokens_map.json',
  'rules.json',
];

/** A path in the user's cache of Hugging Face's hub, shared with Hugging Face's tools. It may not exist. */
export function hubCachePath(...names: string[]): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  return join(HF_HUB_CACHE ?? join(home, 'hub'), ...names);
}

/** The folder of a repository in the cache. */
function repositoryPath(id: string): string {
  return hubCachePath(`models--${id.replaceAll('/', '--')}`);
}

/** How to find a checkpoint's weights among its files. */
export interface WeightsLayout {
  /** Names of weights files and of indexes of weights files, the preferred first. */
  names: readonly string[];
  /** The files that an index lists. @throws CallerError for an invalid index. */
  filesOf: (index: string, where: string) => Iterable<string>;
}

/**
 * A commit of a repository in the user's cache, in the layout of Hugging Face's tools: `snapshots/COMMIT/NAME` is a file, and
 * `.no_exist/COMMIT/NAME` notes that the repository does not have it. Those tools link a snapshot's files to `blobs`, but also
 * accept plain files.
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

  /** Notes that the repository does not have a file. */
  async noteAbsence(name: string): Promise<void> {
    if (this.isAbsent(name)) return;
    await createFolder(this.absent);
    await writeAtomically(join(this.absent, name), '');
  }

  /** The files that an index lists; none for a file that is not an index. @throws CallerError for an unreadable index. */
  async shardsOf(weights: string): Promise<string[]> {
    if (!weights.endsWith('.json')) return [];
    const index = join(this.folder, weights);
    return [...new Set(this.layout.filesOf(await readText(index), index))];
  }

  /** Whether all weights of one supported format are present. */
  async hasWeights(): Promise<boolean> {
    for (const name of this.layout.names) {
      if (this.has(name) && (await this.shardsOf(name)).every((shard) => this.has(shard))) return true;
    }
    return false;
  }

  /** Whether configuration and weights are present. Files of the tokenizer may be missing. */
  async isUsable(): Promise<boolean> {
    return this.has('config.json') && (await this.hasWeights());
  }

  /** Whether every file that the repository has for a model is present. */
  async isComplete(): Promise<boolean> {
    return OPTIONAL_FILES.every((name) => this.has(name) || this.isAbsent(name)) && (await this.isUsable());
  }
}

/** The file with the commit of a branch or tag, as of the last request to the server. */
export function revisionPath(id: string, revision: string): string {
  return join(repositoryPath(id), 'refs', revision);
}

/** Notes the commit of a branch or tag. */
export async function noteRevision(id: string, revision: string, commit: string): Promise<void> {
  const path = revisionPath(id, revision);
  if (existsSync(path) && (await readText(path)) === commit) return;
  await createFolder(dirname(path));
  await writeAtomically(path, commit);
}
