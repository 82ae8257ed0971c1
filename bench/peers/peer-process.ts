import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { oneLine, type PeerAnswers, type PeerReply, type PeerRequest } from './peer.js';

/** Lines on standard error without a reason: empty lines, Dawn's two warnings, stacks, Node's version. */
const NO_REASON = /^\s*$|^Warning: maxDynamic|^\s*(at |\d+: |-----|\^)|^Node\.js v/;

const STDERR_CHARACTERS = 4_000;

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

export interface PeerProcessOptions {
  /** The script that serves; the name of the peer is its argument. */
  script?: string;
  env?: Record<string, string>;
}

/** A peer that did not answer in time. */
export class PeerTimeout extends Error {}

/** The process of a peer, which answers one request after the other. */
export class PeerProcess {
  private readonly child: ChildProcess;
  private stderr = '';
  private failure: Error | undefined;
  private settle: ((reply: PeerReply | Error) => void) | undefined;

  constructor(name: string, { script = WORKER, env = {} }: PeerProcessOptions = {}) {
    this.child = fork(script, [name], {
      execArgv: [],
      env: { ...process.env, ...env },
      // Typed arrays travel as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARACTERS);
    });
    this.child.on('message', (reply) => this.settle?.(reply as PeerReply));
    this.child.on('error', (error) => this.fail(new Error(`its process failed (${error.message})`)));
    // "close" comes after the last of standard error, where the reason is.
    this.child.on('close', (code, signal) => {
      const lines = this.stderr.split('\n').filter((line) => !NO_REASON.test(line));
      const last = lines.length > 0 ? `: ${oneLine(lines[lines.length - 1])}` : '';
      this.fail(new Error(`its process ended with ${signal ?? `exit code ${code}`}${last}`));
    });
  }

  /** Whether the process can answer. */
  get isAlive(): boolean {
    return this.failure === undefined;
  }

  /**
   * Sends a request, and waits for the answer. The process is ended where it does not answer in time or `signal` is aborted.
   *
   * @throws Error in one line: what the peer threw, or how its process ended.
   */
  async ask<K extends PeerRequest['kind']>(
    request: Extract<PeerRequest, { kind: K }>,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<PeerAnswers[K]> {
    if (this.failure) throw this.failure;
    if (signal?.aborted) throw new Error('interrupted');
    const timer = setTimeout(
      () => this.end(new PeerTimeout(`no answer to "${request.kind}" within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const onAbort = () => this.end(new Error('interrupted'));
    signal?.addEventListener('abort', onAbort);
    try {
      const reply = await new Promise<PeerReply>((resolve, reject) => {
        this.settle = (result) => (result instanceof Error ? reject(result) : resolve(result));
        this.child.send(request, (error) => {
          if (error) this.fail(new Error(`its process cannot be reached (${error.message})`));
        });
      });
      if (!reply.ok) throw new Error(reply.error);
      return reply.value as PeerAnswers[K];
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      this.settle = undefined;
    }
  }

  /** Kills the process: it may hang in native code. */
  end(reason = new Error('ended')): void {
    this.fail(reason);
    this.child.kill('SIGKILL');
  }

  private fail(reason: Error): void {
    this.failure ??= reason;
    this.settle?.(this.failure);
  }
}
