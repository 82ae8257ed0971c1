import type { Job, Queue, Worker, WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { CallerError, EngineError } from '../../../base/errors.js';
import { hashOf } from '../../../base/hash.js';
import { codeOf } from '../../../data/file-errors.js';
import { kernelsHash } from '../../run-record.js';
import { MOST_ATTEMPTS } from '../cell-failures.js';
import { type CellJob, jobOf } from '../cell-job.js';
import type { Cell, Experiment } from '../experiment.js';
import type { Delivery } from './delivery.js';
import { publicAddress, type QueueAddress } from './queue-address.js';

/** What an active job says about itself. */
export interface JobProgress {
  worker: string;
  step: number;
  totalSteps: number;
}

export type QueuedJob = Job<CellJob, Delivery>;

/** Keys in Redis: those of BullMQ, and the names of the experiments that are cancelled. */
const PREFIX = 'parsimony';
const CANCELLED = `${PREFIX}:cancelled`;

/** Finished jobs stay for a week, so that a result is not lost where no process waits for it. */
const KEPT_SECONDS = 7 * 24 * 3600;

/** The number of workers that may die with a job before it fails: the job may be what ends them. */
const MOST_DEATHS = 10;

async function packages() {
  try {
    const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { ...bullmq, Redis: ioredis.Redis };
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new CallerError({
      what: 'a queue needs the packages bullmq and ioredis, which are not installed',
      where: '--queue',
      remedy: 'npm install bullmq@6 ioredis@6',
    });
  }
}

/** The jobs of cells in a Redis server. Only processes with the same package and kernels share them. */
export class CellQueue {
  private constructor(
    private readonly bullmq: Awaited<ReturnType<typeof packages>>,
    private readonly redis: Redis,
    readonly queue: Queue<CellJob, Delivery>,
    private readonly address: QueueAddress,
  ) {}

  /** The server, without a password. */
  get server(): string {
    return publicAddress(this.address);
  }

  /**
   * Connects to a server. Later failures of the connection are waited out.
   * @param version That of the package.
   * @param onError Called where the connection fails later.
   * @throws CallerError where the packages are missing; EngineError where the server does not answer, or refuses the password.
   */
  static async open(
    address: QueueAddress,
    version: string,
    onError: (error: Error) => void,
  ): Promise<CellQueue> {
    const bullmq = await packages();
    const probe = new bullmq.Redis({ ...address, lazyConnect: true, retryStrategy: () => null });
    let reason: Error | undefined;
    probe.on('error', (error) => {
      reason ??= error;
    });
    try {
      await probe.connect();
      await probe.ping();
    } catch (error) {
      throw new EngineError({
        what: `no answer from Redis (${(reason ?? (error as Error)).message})`,
        where: publicAddress(address),
        remedy: 'start it, or correct the address, user and password of --queue',
      });
    } finally {
      probe.disconnect();
    }
    const redis = new bullmq.Redis({ ...address, maxRetriesPerRequest: null });
    redis.on('error', onError);
    const name = `cells-${hashOf([version, kernelsHash()]).slice(0, 8)}`;
    const queue = new bullmq.Queue<CellJob, Delivery>(name, { connection: redis, prefix: PREFIX });
    queue.on('error', onError);
    return new CellQueue(bullmq, redis, queue, address);
  }

  /** Adds jobs; one that is there already, in any state, stays as it is. */
  async add(jobs: readonly CellJob[]): Promise<void> {
    const opts = {
      attempts: MOST_ATTEMPTS,
      backoff: { type: 'fixed', delay: 1000 },
      removeOnComplete: { age: KEPT_SECONDS },
      removeOnFail: { age: KEPT_SECONDS },
    };
    await this.queue.addBulk(
      jobs.map((data) => ({
        name: experimentNameOf(data),
        data,
        opts: { ...opts, jobId: jobId(data) },
      })),
    );
  }

  /** Runs jobs until it is closed. */
  worker(
    processor: (job: QueuedJob, token: string) => Promise<Delivery>,
    options: Pick<WorkerOptions, 'concurrency' | 'name'> & { lockSeconds: number },
  ): Worker<CellJob, Delivery> {
    const { lockSeconds, ...others } = options;
    return new this.bullmq.Worker<CellJob, Delivery>(
      this.queue.name,
      (job, token) => processor(job, token!),
      {
        ...others,
        connection: { ...this.address, maxRetriesPerRequest: null },
        prefix: PREFIX,
        lockDuration: 1000 * lockSeconds,
        stalledInterval: 500 * lockSeconds,
        maxStalledCount: MOST_DEATHS,
        runRetryDelay: 1000,
      },
    );
  }

  /** Gives a job back, as if it had not been started. */
  async giveBack(job: QueuedJob, token: string): Promise<never> {
    await job.moveToWait(token);
    throw new this.bullmq.WaitingError();
  }

  /** The error of a job that is not tried again. */
  finalError(message: string): Error {
    return new this.bullmq.UnrecoverableError(message);
  }

  async isCancelled(experiment: string): Promise<boolean> {
    return (await this.redis.sismember(CANCELLED, experiment)) === 1;
  }

  /** Stops the cells of an experiment, each with a checkpoint, and lets no more start. */
  async cancel(experiment: string): Promise<void> {
    await this.redis.sadd(CANCELLED, experiment);
  }

  /** Lets the cells of an experiment start again, also those that failed. @returns How many had failed. */
  async retry(experiment: string): Promise<number> {
    await this.redis.srem(CANCELLED, experiment);
    const failed = await this.jobsOf(experiment, 'failed');
    for (const job of failed) await job.retry('failed');
    return failed.length;
  }

  async jobsOf(
    experiment: string,
    ...states: Parameters<Queue['getJobs']>[0] & string[]
  ): Promise<QueuedJob[]> {
    const jobs = await this.queue.getJobs(states);
    return jobs.filter((job) => job?.name === experiment);
  }

  async close(): Promise<void> {
    await this.queue.close().catch(() => {});
    this.redis.disconnect();
  }
}

function experimentNameOf({ experiment }: CellJob): string {
  return String((experiment as { name?: unknown }).name);
}

/** The name of a job: cells with the same settings and data share it. BullMQ takes a number for an index of its own. */
function jobId(job: CellJob): string {
  return `cell-${hashOf([job.experiment, job.cell, job.data])}`;
}

/** The jobs of an experiment's cells, by their ids. */
export function jobFor(experiment: Experiment, cell: Cell, data: string): { id: string; job: CellJob } {
  const job = jobOf(experiment, cell, data);
  return { id: jobId(job), job };
}
