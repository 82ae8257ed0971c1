import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { cannotBeWritten, codeOf } from '../../data/file-errors.js';
import { createFolder } from '../../data/files.js';

/** The ending of a claim's file, after its generation. */
const CLAIM = /^(.+)\.(\d+)\.claim$/;

/** Distinguishes equal process numbers of one host: containers count their processes separately. */
function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** The process that writes into its claims. */
const SELF = { pid: process.pid, host: hostname(), space: processSpace() };

/** The holder of a claim, and the time of its last sign in milliseconds, by the clock of the file system. */
export interface Holder {
  name: string;
  beat: number;
  isDead: boolean;
}

/** Whether a process of this host has ended. */
function hasEnded({ pid, host, space }: Partial<typeof SELF>): boolean {
  if (!pid || host !== SELF.host || space !== SELF.space) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/**
 * Claims on the cells of an experiment, as files in a folder that hosts may share. A claim is made by creating a file that must
 * not exist. While it is held, its file is written again every few seconds. The claim of a process that gave no sign for some time
 * is taken over by creating the file of the next generation: of several processes that try, one succeeds, and the file of the
 * former holder stays unchanged.
 *
 * Claims only save work. A holder that was stopped and continues does harm to nothing: `RunLock` keeps two processes out of one run, and
 * results are written by renaming.
 */
export class CellClaims {
  private readonly held = new Map<string, { file: string; handle: FileHandle }>();
  private timer: NodeJS.Timeout | undefined;
  private beats = 0;

  /** @param seconds Without a sign for this time, a holder counts as dead. */
  constructor(
    readonly folder: string,
    private readonly seconds: number,
  ) {}

  /** Creates the folder, and starts to give signs. @param onBeat Called with each. */
  async start(onBeat: () => void): Promise<void> {
    await createFolder(this.folder);
    this.timer = setInterval(() => {
      this.beat();
      onBeat();
    }, 250 * this.seconds);
    this.timer.unref();
  }

  /** Frees all claims, and gives no more signs. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const name of [...this.held.keys()]) await this.release(name);
    // The folder stays while others have claims, or cells have failed.
    await rmdir(this.folder).catch(() => {});
  }

  /** Claims a cell. @returns The process that holds it instead. @throws ParsimonyError where the folder cannot be written to. */
  async acquire(name: string): Promise<Holder | undefined> {
    for (let generation = 1; ; generation++) {
      const file = join(this.folder, `${name}.${generation}.claim`);
      const handle = await this.create(file);
      if (handle) {
        this.held.set(name, { file, handle });
        await this.sign(handle);
        return undefined;
      }
      const holder = await this.holderOf(file);
      if (holder && !holder.isDead) return holder;
    }
  }

  /** Creates a claim's file; undefined where it exists. */
  private async create(file: string): Promise<FileHandle | undefined> {
    try {
      return await open(file, 'wx');
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return undefined;
      if (codeOf(error) !== 'ENOENT') throw cannotBeWritten(file, error);
    }
    // Another process that held the last claim has removed the folder.
    await createFolder(this.folder);
    return this.create(file);
  }

  /** Frees a claim, and removes the files of those who held it before. */
  async release(name: string): Promise<void> {
    const claim = this.held.get(name);
    if (!claim) return;
    this.held.delete(name);
    await claim.handle.close();
    const generation = Number(CLAIM.exec(claim.file)![2]);
    for (let each = generation; each >= 1; each--)
      await rm(join(this.folder, `${name}.${each}.claim`), { force: true }).catch(() => {});
  }

  /** Who holds which cells: the last generation of each, by name. */
  async holders(): Promise<Map<string, Holder>> {
    const files = await readdir(this.folder).catch(() => []);
    const last = new Map<string, number>();
    for (const file of files) {
      const [, name, generation] = CLAIM.exec(file) ?? [];
      if (name) last.set(name, Math.max(Number(generation), last.get(name) ?? 0));
    }
    const holders = new Map<string, Holder>();
    for (const [name, generation] of last) {
      const holder = await this.holderOf(join(this.folder, `${name}.${generation}.claim`));
      if (holder) holders.set(name, holder);
    }
    return holders;
  }

  private beat(): void {
    this.beats++;
    for (const { handle } of this.held.values()) this.sign(handle).catch(() => {});
  }

  /** Writes into the open file: where another process has removed it, the sign goes nowhere. */
  private async sign(handle: FileHandle): Promise<void> {
    await handle.write(`${JSON.stringify({ ...SELF, beats: this.beats })}\n`, 0);
    await handle.datasync().catch(() => {});
  }

  /** The holder of a claim's file; undefined where the file is gone. */
  private async holderOf(file: string): Promise<Holder | undefined> {
    const handle = await open(file, 'r').catch(() => undefined);
    if (!handle) return undefined;
    try {
      const { mtimeMs: beat } = await handle.stat();
      const text = await readFile(handle, 'utf8');
      let process: Partial<typeof SELF> = {};
      try {
        process = JSON.parse(text.slice(0, text.indexOf('\n') + 1 || undefined));
      } catch {
        // Created, and not signed yet.
      }
      const isDead = hasEnded(process) || (await this.now()) - beat > 1000 * this.seconds;
      return { name: `process ${process.pid ?? '?'} on ${process.host ?? '?'}`, beat, isDead };
    } finally {
      await handle.close();
    }
  }

  /** The time of the file system: clocks of hosts differ. */
  private async now(): Promise<number> {
    const file = join(this.folder, `.${randomBytes(6).toString('hex')}.clock`);
    const handle = await open(file, 'wx').catch(() => undefined);
    // A folder that can only be read is looked at from one host.
    if (!handle) return Date.now();
    try {
      await handle.write('\n');
      return (await handle.stat()).mtimeMs;
    } finally {
      await handle.close();
      await rm(file, { force: true });
    }
  }
}
