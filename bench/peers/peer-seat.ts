import { installPackages } from './install.js';
import { type Clock, oneLine, type PeerAnswers, type PeerRequest } from './peer.js';
import type { PeerSpec } from './peer-list.js';
import { PeerProcess, PeerTimeout } from './peer-process.js';

export interface SeatOptions {
  /** The adapter, as a peer's process is to open it. */
  adapter: string;
  /** WebGPU's name of that adapter's model. */
  card: string;
  /** Variables of every process, which choose the driver for a library that takes no adapter. */
  env: Record<string, string>;
  timeoutMs: number;
  signal?: AbortSignal;
  onNote?(line: string): void;
  /** Starts a peer's process; for tests. */
  start?(name: string, env: Record<string, string>): PeerProcess;
}

/** A peer in the benchmark: its process, which is started again after it died. */
export class PeerSeat {
  private process: PeerProcess | undefined;
  /** How many processes were started. */
  private started = 0;
  /** Why no further process is started. */
  private givenUp: string | undefined;
  /** Whether it could not be opened. */
  isAbsent = false;

  constructor(
    readonly spec: PeerSpec,
    private readonly options: SeatOptions,
  ) {}

  /**
   * Installs the peer where it is not installed, and starts its process where none runs.
   *
   * @returns The number of the process: what was prepared in an earlier one is lost. @throws Error in one line.
   */
  async open(): Promise<number> {
    if (this.process?.isAlive) return this.started;
    if (this.givenUp) throw new Error(this.givenUp);
    const { adapter, card, env, signal, onNote } = this.options;
    const { name, packages } = this.spec;
    try {
      const isOurs = Object.keys(packages).length === 0;
      const folder = isOurs ? undefined : await installPackages(packages, onNote, signal);
      this.started++;
      this.process = this.options.start?.(name, env) ?? new PeerProcess(name, { env });
      await this.ask({ kind: 'open', adapter, card, folder });
      return this.started;
    } catch (error) {
      // A peer that cannot be opened is not tried again.
      this.givenUp = oneLine((error as Error).message);
      this.isAbsent = true;
      this.end();
      throw error;
    }
  }

  /** Asks its process. @throws Error in one line, also where it has died. */
  async ask<K extends PeerRequest['kind']>(
    request: Extract<PeerRequest, { kind: K }>,
  ): Promise<PeerAnswers[K]> {
    const { timeoutMs, signal } = this.options;
    try {
      return await this.process!.ask<K>(request, { timeoutMs, signal });
    } catch (error) {
      // A peer that exceeded the time limit once is not tried again.
      if (error instanceof PeerTimeout) this.givenUp = `${error.message}, and was given up`;
      throw error;
    }
  }

  /** Releases what was prepared in the process. */
  async release(): Promise<void> {
    if (this.process?.isAlive) await this.ask({ kind: 'release' }).catch(() => this.end());
  }

  /** Milliseconds of one run of what was prepared in a process. @throws Error in one line. */
  async time(process: number, handle: number, clock: Clock = 'wall'): Promise<number> {
    if (process !== this.started) throw new Error('its process had to be started again');
    return (await this.ask<'time'>({ kind: 'time', handle, clock })).milliseconds;
  }

  end(): void {
    this.process?.end();
  }
}
