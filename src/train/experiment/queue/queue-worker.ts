import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { RunInterrupted } from '../../interruption.js';
import type { CellJob } from '../cell-job.js';
import type { CellResult } from '../results.js';
import type { CellQueue, JobProgress, QueuedJob } from './cell-queue.js';
import { type Delivery, deliveryOf } from './delivery.js';

/** Runs the cell of a job in another process. */
export type RunJob = (
  job: CellJob,
  hooks: { signal: AbortSignal; onProgress(step: number, totalSteps: number): void },
) => Promise<CellResult>;

export interface WorkerOptions {
  /** Its name in the status of the queue. */
  name: string;
  /** Each runs one cell at a time. */
  runners: readonly RunJob[];
  lockSeconds: number;
  /** Whether it ends when there was no cell for the time of a lock. */
  untilEmpty?: boolean;
  signal: AbortSignal;
  onNote(note: string): void;
}

/** The time between two reports of a cell's progress, and between two checks whether it is cancelled, in milliseconds. */
const POLL_MS = 1000;

/** Takes cells from a queue, and runs them. */
class QueueWorker {
  private readonly idle: RunJob[];
  private readonly running = new Set<Promise<unknown>>();
  private wasInterrupted = false;

  constructor(
    private readonly queue: CellQueue,
    private readonly options: WorkerOptions,
  ) {
    this.idle = [...options.runners];
  }

  async serve(): Promise<void> {
    const { runners, lockSeconds, name, signal, untilEmpty, onNote } = this.options;
    const worker = this.queue.worker((job, token) => this.tracked(job, token), {
      ...{ concurrency: runners.length, name, lockSeconds },
    });
    const noted = new Set<string>();
    worker.on('error', ({ message }) => {
      if (noted.size < noted.add(message).size) onNote(message);
    });
    try {
      if (untilEmpty) await this.untilEmpty();
      else if (!signal.aborted) await once(signal, 'abort');
      await worker.pause(true);
      await Promise.allSettled([...this.running]);
    } finally {
      // Where the server does not answer, the jobs are taken over from this worker as from one that died.
      await Promise.race([worker.close(), delay(5000, undefined, { ref: false })]);
    }
    if (signal.aborted && this.wasInterrupted) throw new RunInterrupted({ step: 0, totalSteps: 0 }, true);
  }

  private async untilEmpty(): Promise<void> {
    const { signal, lockSeconds } = this.options;
    let emptySince = performance.now();
    while (!signal.aborted) {
      const counts = await this.queue.queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized');
      if (Object.values(counts).some((count) => count > 0)) emptySince = performance.now();
      else if (performance.now() - emptySince > 1000 * lockSeconds) return;
      await delay(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }

  private async tracked(job: QueuedJob, token: string): Promise<Delivery> {
    const running = this.process(job, token);
    this.running.add(running);
    return running.finally(() => this.running.delete(running));
  }

  private async process(job: QueuedJob, token: string): Promise<Delivery> {
    const { onNote, name: worker, signal } = this.options;
    const isCancelled = () => this.queue.isCancelled(job.name);
    const cancelling = new AbortController();
    const watch = setInterval(async () => {
      if (await isCancelled().catch(() => false)) cancelling.abort();
    }, POLL_MS);
    const runner = this.idle.pop()!;
    let reported = 0;
    const onProgress = (step: number, totalSteps: number) => {
      if (performance.now() - reported < POLL_MS) return;
      reported = performance.now();
      const progress: JobProgress = { worker, step, totalSteps };
      job.updateProgress(progress).catch(() => {});
    };
    try {
      if (await isCancelled()) throw this.queue.finalError('cancelled');
      onNote(`${job.name}, ${job.data.cell}: started`);
      const signals = AbortSignal.any([signal, cancelling.signal]);
      const result = await runner(job.data, { signal: signals, onProgress });
      onNote(`${job.name}, ${job.data.cell}: finished in ${result.seconds.toFixed(1)} s of training`);
      return deliveryOf(result);
    } catch (error) {
      if (!(error instanceof RunInterrupted)) {
        onNote(`${job.name}, ${job.data.cell}: ${(error as Error).message}`);
        throw error;
      }
      if (cancelling.signal.aborted) throw this.queue.finalError('cancelled');
      this.wasInterrupted = true;
      return await this.queue.giveBack(job, token);
    } finally {
      clearInterval(watch);
      this.idle.push(runner);
    }
  }
}

/**
 * Takes cells from a queue and runs them, until the signal is aborted or, with `untilEmpty`, the queue is empty.
 * @throws RunInterrupted where the signal ended a cell, which is given back to the queue.
 */
export function serveQueue(queue: CellQueue, options: WorkerOptions): Promise<void> {
  return new QueueWorker(queue, options).serve();
}
