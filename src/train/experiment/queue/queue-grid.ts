import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobType } from 'bullmq';
import { CallerError } from '../../../base/errors.js';
import { createFolder } from '../../../data/files.js';
import { RunInterrupted } from '../../interruption.js';
import type { CellJob } from '../cell-job.js';
import { DataHashes } from '../data-hashes.js';
import { type Cell, type Experiment, learnedCell } from '../experiment.js';
import { cancelled, orderedCells } from '../grid-cells.js';
import { type CellResult, readResult, resultFile, writeResult } from '../results.js';
import type { GridOptions } from '../run-grid.js';
import { type CellQueue, type JobProgress, jobFor, type QueuedJob } from './cell-queue.js';
import { resultIn } from './delivery.js';

export interface QueuedOptions
  extends Pick<GridOptions, 'results' | 'data' | 'only' | 'onResult' | 'onFailure'> {
  signal: AbortSignal;
  onNote(note: string): void;
  /** Called every second with the cells that run, by their ids. */
  onRunning?(running: ReadonlyMap<string, JobProgress>): void;
}

const POLL_MS = 1000;

/** Polls between two searches for jobs that a server has lost. */
const POLLS_OF_LOST = 5;

/** The damaged results of a cell after which it fails. */
const MOST_DAMAGED = 3;

/** All states of a job that is not lost. */
const STATES: JobType[] = ['waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed'];

const BULK = 500;

/** A cell without a result. */
interface OpenCell {
  cell: Cell;
  job: CellJob;
  isAdded: boolean;
  damaged: number;
}

/** Puts the cells of an experiment on a queue, and gathers their results. */
class QueuedGrid {
  /** By the ids of their jobs, in order. */
  private readonly open = new Map<string, OpenCell>();
  private readonly results = new Map<string, CellResult>();

  constructor(
    private readonly experiment: Experiment,
    private readonly queue: CellQueue,
    private readonly options: QueuedOptions,
  ) {}

  async run(): Promise<CellResult[]> {
    const { data, only, signal } = this.options;
    const hashes = new DataHashes(data);
    const cells = orderedCells(this.experiment, only);
    for (const cell of cells) await this.take(cell, await hashes.of(cell));
    await this.refuseCancelled();
    if (this.open.size > 0) await this.noteWorkers();
    for (let poll = 0; this.open.size > 0; poll++) {
      await this.add();
      await this.gather();
      if (this.open.size === 0) break;
      if (poll % POLLS_OF_LOST === POLLS_OF_LOST - 1) await this.findLost();
      await this.refuseCancelled();
      await this.showRunning();
      await delay(POLL_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) throw new RunInterrupted({ step: 0, totalSteps: 0 });
    }
    return cells.flatMap(({ id }) => this.results.get(id) ?? []);
  }

  /** Takes a stored result, or opens the cell. */
  private async take(cell: Cell, data: string): Promise<void> {
    const stored = await readResult(this.fileOf(cell), cell);
    if (stored?.data === data) {
      this.results.set(cell.id, stored);
      this.options.onResult?.(cell, stored);
      return;
    }
    const { id, job } = jobFor(this.experiment, cell, data);
    this.open.set(id, { cell, job, isAdded: false, damaged: 0 });
  }

  private fileOf(cell: Cell): string {
    return resultFile(this.options.results, this.experiment.name, cell);
  }

  /** @throws CallerError where another process has cancelled the experiment. */
  private async refuseCancelled(): Promise<void> {
    if (await this.queue.isCancelled(this.experiment.name)) throw cancelled(this.experiment, ' --queue');
  }

  private async noteWorkers(): Promise<void> {
    // Some servers do not list their connections.
    const workers = await this.queue.queue.getWorkersCount().catch(() => undefined);
    const { onNote } = this.options;
    if (workers !== 0)
      onNote(`${this.open.size} cells for ${workers ?? 'unknown'} workers at ${this.queue.server}`);
    else
      onNote(
        `No worker of this version and these kernels is at ${this.queue.server}: start \`parsimony worker --queue\`.`,
      );
  }

  /** Adds the jobs of cells whose rules are not pruned from an open cell. */
  private async add(): Promise<void> {
    const cells = [...this.open.values()].map(({ cell }) => cell);
    const ready = [...this.open.values()].filter(
      ({ cell, isAdded }) => !isAdded && !learnedCell(cell, cells),
    );
    for (let start = 0; start < ready.length; start += BULK) {
      const some = ready.slice(start, start + BULK);
      await this.queue.add(some.map(({ job }) => job));
      for (const each of some) each.isAdded = true;
    }
  }

  /** Takes what has finished or failed since. */
  private async gather(): Promise<void> {
    for (const state of ['completed', 'failed'] as const) {
      const ids = await this.queue.queue.getRanges([state], 0, -1);
      for (const id of ids.filter((each) => this.open.has(each))) {
        const job: QueuedJob | undefined = await this.queue.queue.getJob(id);
        if (!job) continue;
        if (state === 'failed') this.fail(id, job.failedReason);
        else await this.deliver(id, job);
      }
    }
  }

  private fail(id: string, reason: string): void {
    const { cell } = this.open.get(id)!;
    this.open.delete(id);
    this.options.onFailure?.(cell, reason);
  }

  private async deliver(id: string, job: QueuedJob): Promise<void> {
    const open = this.open.get(id)!;
    const { cell } = open;
    let result: CellResult;
    try {
      result = resultIn(job.returnvalue, cell, cell.id);
    } catch (error) {
      if (!(error instanceof CallerError)) throw error;
      this.options.onNote(error.message);
      await job.remove();
      open.isAdded = false;
      if (++open.damaged === MOST_DAMAGED) this.fail(id, error.message);
      return;
    }
    await createFolder(join(this.options.results, this.experiment.name));
    await writeResult(this.fileOf(cell), result);
    this.open.delete(id);
    this.results.set(cell.id, result);
    this.options.onResult?.(cell, result);
  }

  /** Adds jobs again that are in no state: a server that ends without warning may lose those of its last second. */
  private async findLost(): Promise<void> {
    const there = new Set(await this.queue.queue.getRanges(STATES, 0, -1));
    for (const [id, open] of this.open) {
      if (!open.isAdded || there.has(id)) continue;
      const state = await this.queue.queue.getJobState(id);
      if (state === 'unknown') open.isAdded = false;
    }
  }

  private async showRunning(): Promise<void> {
    const active = await this.queue.jobsOf(this.experiment.name, 'active');
    const shown = active.map((job): [string, JobProgress] => {
      const progress = (typeof job.progress === 'object' ? job.progress : {}) as Partial<JobProgress>;
      return [job.data.cell, { worker: '', step: 0, totalSteps: 0, ...progress }];
    });
    this.options.onRunning?.(new Map(shown));
  }
}

/**
 * Puts the unfinished cells of an experiment on a queue, and gathers their results, which workers on other machines send.
 * @returns The results that are there at the end: without those of cells that failed.
 * @throws CallerError where it is cancelled; RunInterrupted where the signal is aborted: the jobs stay in the queue.
 */
export function runQueuedGrid(
  experiment: Experiment,
  queue: CellQueue,
  options: QueuedOptions,
): Promise<CellResult[]> {
  return new QueuedGrid(experiment, queue, options).run();
}
