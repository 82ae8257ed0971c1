import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForQueues, RedisServer } from '../../../scripts/redis-server.mjs';
import { EngineError } from '../../../src/base/errors.js';
import { checkedJob } from '../../../src/train/experiment/cell-job.js';
import { DataHashes } from '../../../src/train/experiment/data-hashes.js';
import { cellsOf, type Experiment } from '../../../src/train/experiment/experiment.js';
import { CellQueue, jobFor } from '../../../src/train/experiment/queue/cell-queue.js';
import { deliveryOf, resultIn } from '../../../src/train/experiment/queue/delivery.js';
import { parseQueueAddress, publicAddress } from '../../../src/train/experiment/queue/queue-address.js';
import { runQueuedGrid } from '../../../src/train/experiment/queue/queue-grid.js';
import { type RunJob, serveQueue } from '../../../src/train/experiment/queue/queue-worker.js';
import type { CellResult } from '../../../src/train/experiment/results.js';
import { RunInterrupted } from '../../../src/train/interruption.js';
import { writeTinyData } from '../../cli/tiny-model.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { gridIn, resultOf } from './grid-fixture.js';

describe('the address of a queue', () => {
  it.each([
    ['redis://host', { host: 'host', port: 6379, db: 0 }],
    ['rediss://u:p%40ss@host:1/2', { host: 'host', port: 1, db: 2, username: 'u', password: 'p@ss' }],
    ['redis://:secret@[::1]:7', { host: '::1', port: 7, db: 0, password: 'secret' }],
  ])('%s is read, and shown without user and password', (text, expected) => {
    const address = parseQueueAddress(text, '--queue');
    expect(address).toMatchObject(expected);
    expect(address.tls !== undefined).toBe(text.startsWith('rediss'));
    expect(publicAddress(address)).not.toMatch(/secret|p@ss|u:/);
  });

  it.each([
    'host',
    'http://:secret@host',
    'redis://:secret@',
    'redis://:secret@host/x',
    'redis://:%secret@host',
  ])('%s is refused without showing it', (text) => {
    const parse = () => parseQueueAddress(text, '--queue');
    expect(parse).toThrow(/^--queue: .*; expected redis:\/\//);
    expect(parse).not.toThrow(/secret/);
  });
});

describe('a result that a worker sends', () => {
  const [cell, other] = cellsOf(gridIn('.'));
  const delivery = deliveryOf(resultOf(cell, 'data'));

  it('arrives unchanged', () => {
    expect(resultIn(delivery, cell, 'here')).toEqual(resultOf(cell, 'data'));
  });

  it.each([
    ['nothing', undefined, cell],
    ['other bytes', { ...delivery, result: delivery.result.replace('100', '101') }, cell],
    ['another cell', delivery, other],
  ])('is refused where it is %s', (_, arrived, expected) => {
    expect(() => resultIn(arrived, expected, 'here')).toThrow('here: the result of a worker is damaged');
  });
});

const missing = missingForQueues();
if (missing) console.log(`Left out, because ${missing} is missing: the tests of experiments in a queue.`);

describe.skipIf(missing)('a queue of cells', () => {
  const folder = temporaryFolder();
  let redis: RedisServer;
  let grid: Experiment;
  let data: string;
  const queues: CellQueue[] = [];
  const stop = new AbortController();
  const notes: string[] = [];
  const onNote = (note: string) => notes.push(note);

  async function opened(): Promise<CellQueue> {
    const queue = await CellQueue.open(parseQueueAddress(redis.url, '--queue'), '0', ({ message }) =>
      onNote(message),
    );
    queues.push(queue);
    return queue;
  }

  beforeAll(async () => {
    writeTinyData(folder);
    grid = gridIn(folder);
    data = await new DataHashes().of(cellsOf(grid)[0]);
    redis = await RedisServer.start(folder, 'secret');
  });

  afterAll(async () => {
    stop.abort();
    for (const queue of queues) await queue.close();
    await redis?.stop();
  });

  const started: string[] = [];

  /** Runs the cell of a job without a GPU. */
  const run: RunJob = async (job, { signal, onProgress }) => {
    const { cell } = checkedJob(job, 'a job');
    started.push(cell.id);
    onProgress(1, 2);
    await delay(5);
    if (signal.aborted) throw new RunInterrupted({ step: 1, totalSteps: 2 }, true);
    return resultOf(cell, data);
  };

  async function serve(runners: readonly RunJob[], signal = stop.signal) {
    const queue = await opened();
    return serveQueue(queue, { name: 'worker', runners, lockSeconds: 2, signal, onNote });
  }

  const failed: string[] = [];

  async function submit(name: string): Promise<CellResult[]> {
    return runQueuedGrid({ ...grid, name }, await opened(), {
      ...{ results: join(folder, 'results'), signal: stop.signal, onNote },
      onFailure: ({ id }, error) => failed.push(`${id}: ${error}`),
    });
  }

  it('runs each cell once, pruned ones after their learned ones, and has the results of one process, also when asked again', async () => {
    const stopped = new AbortController();
    const workers = [serve([run], stopped.signal), serve([run, run], stopped.signal)];
    const results = await submit('grid');
    expect(results).toEqual(cellsOf(grid).map((cell) => resultOf(cell, data)));
    expect([...started].sort()).toEqual(
      cellsOf(grid)
        .map(({ id }) => id)
        .sort(),
    );
    for (const id of started.filter((each) => each.startsWith('pruned')))
      expect(started.indexOf(id)).toBeGreaterThan(started.indexOf(id.replace('pruned', 'learned')));
    const elsewhere = { results: join(folder, 'others'), signal: stop.signal, onNote };
    expect(await runQueuedGrid(grid, await opened(), elsewhere)).toEqual(results);
    expect(started).toHaveLength(results.length);
    stopped.abort();
    await Promise.allSettled(workers);
  });

  it('continues after a cell that fails three times, runs it after `retry`, and adds a lost job again', async () => {
    const name = 'failing';
    const [bad, lost] = cellsOf(grid).map((cell) => jobFor({ ...grid, name }, cell, data));
    const queue = await opened();
    const attempts: string[] = [];
    let isMended = false;
    const failing: RunJob = async (job, hooks) => {
      if (job.cell !== bad.job.cell || isMended) return run(job, hooks);
      attempts.push(job.cell);
      throw new EngineError({ what: 'the GPU is out of memory' });
    };
    const submitted = submit(name);
    while ((await queue.queue.getJobCounts('waiting')).waiting === 0) await delay(20);
    await (await queue.queue.getJob(lost.id))!.remove();
    const stopped = new AbortController();
    const worker = serve([failing], stopped.signal);
    expect(await submitted).toHaveLength(cellsOf(grid).length - 1);
    expect(failed).toEqual([`${bad.job.cell}: the GPU is out of memory`]);
    expect(attempts).toHaveLength(3);
    isMended = true;
    expect(await queue.retry(name)).toBe(1);
    expect(await submit(name)).toHaveLength(cellsOf(grid).length);
    stopped.abort();
    await worker.catch(() => {});
  }, 60_000);

  it('that is cancelled stops workers and the process that waits, until `retry`', async () => {
    const name = 'cancelled';
    const queue = await opened();
    let startedCells = 0;
    let stoppedCells = 0;
    const untilStopped: RunJob = async (_, { signal }) => {
      startedCells++;
      while (!signal.aborted) await delay(20);
      stoppedCells++;
      throw new RunInterrupted({ step: 1, totalSteps: 2 }, true);
    };
    const stopped = new AbortController();
    const worker = serve([untilStopped], stopped.signal);
    const submitted = submit(name);
    // A job that is active may not have started: a cancelled one then never does.
    while (startedCells === 0) await delay(20);
    await queue.cancel(name);
    await expect(submitted).rejects.toThrow(/^grid\.json: the experiment was cancelled; .*retry/);
    while (stoppedCells === 0) await delay(20);
    stopped.abort();
    await worker.catch(() => {});
  }, 60_000);

  it('shows its password nowhere', () => {
    expect(notes.length).toBeGreaterThan(0);
    expect(notes.join('\n')).not.toContain('secret');
  });
});
