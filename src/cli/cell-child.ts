import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CallerError, EngineError } from '../base/errors.js';
import type { CellJob } from '../train/experiment/cell-job.js';
import { type CellResult, parseResult } from '../train/experiment/results.js';
import { RunInterrupted, type StoppedAt } from '../train/interruption.js';

/** A request to the process of a cell. */
export type CellRequest = { kind: 'run'; job: CellJob; options: ChildOptions } | { kind: 'stop' };

/** A reply of that process. A result is the text of its file. */
export type CellReply =
  | { kind: 'progress'; step: number; totalSteps: number }
  | { kind: 'note'; text: string }
  | { kind: 'result'; text: string }
  | { kind: 'interrupted'; at: StoppedAt }
  | { kind: 'error'; message: string; isCallers: boolean };

/** How a process runs its cells. */
export interface ChildOptions {
  adapter?: string;
  runs: string;
  data?: string;
  notes: Record<string, unknown>;
}

export interface CellHooks {
  signal?: AbortSignal;
  onProgress?(step: number, totalSteps: number): void;
  onNote?(text: string): void;
}

const STDERR_CHARACTERS = 4_000;

const SCRIPT = fileURLToPath(new URL('./cell-process.js', import.meta.url));

/**
 * A process that runs one cell after another on a device of its own. A long compilation blocks that process, and not the one
 * that gives signs of life. It ends, with a checkpoint, where this process ends.
 */
export class CellChild {
  private child: ChildProcess | undefined;
  private stderr = '';
  private onReply: ((reply: CellReply) => void) | undefined;
  private onEnd: ((error: Error) => void) | undefined;

  constructor(private readonly options: ChildOptions) {}

  /**
   * Runs a cell.
   * @throws CallerError or EngineError, what ended the run, or how the process ended; RunInterrupted where the signal was aborted.
   */
  async run(job: CellJob, { signal, onProgress, onNote }: CellHooks = {}): Promise<CellResult> {
    const child = this.child ?? this.start();
    const stop = () => child.connected && child.send({ kind: 'stop' } satisfies CellRequest);
    try {
      return await new Promise<CellResult>((resolve, reject) => {
        this.onEnd = reject;
        this.onReply = (reply) => {
          if (reply.kind === 'progress') onProgress?.(reply.step, reply.totalSteps);
          else if (reply.kind === 'note') onNote?.(reply.text);
          else if (reply.kind === 'interrupted') reject(new RunInterrupted(reply.at, true));
          else if (reply.kind === 'result') resolve(parseResult(reply.text, job.cell));
          else {
            // After a failure of the engine, the next cell gets a new process and device.
            if (!reply.isCallers) this.close();
            reject(new (reply.isCallers ? CallerError : EngineError)({ what: reply.message }));
          }
        };
        child.send({ kind: 'run', job, options: this.options } satisfies CellRequest);
        signal?.addEventListener('abort', stop);
        if (signal?.aborted) stop();
      });
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Ends the process, which must not run a cell. The next cell starts another one. */
  close(): void {
    if (this.child?.connected) this.child.disconnect();
    this.child = undefined;
  }

  private start(): ChildProcess {
    // The process does not need the address of a queue, which has a password.
    const { PARSIMONY_QUEUE: _, ...env } = process.env;
    const child = fork(SCRIPT, { execArgv: [], env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARACTERS);
    });
    child.on('message', (reply) => this.onReply?.(reply as CellReply));
    child.on('error', (error) => this.ended(child, error.message));
    child.on('close', (code, signal) => this.ended(child, signal ?? `exit code ${code}`));
    this.child = child;
    return child;
  }

  private ended(child: ChildProcess, how: string): void {
    if (child !== this.child) return;
    this.child = undefined;
    const last = this.stderr.trimEnd().split('\n').at(-1);
    this.onEnd?.(new EngineError({ what: `its process ended (${how})${last ? `: ${last}` : ''}` }));
  }
}
