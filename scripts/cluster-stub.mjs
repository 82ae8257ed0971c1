// A process of `scripts/cluster.mjs` that runs cells without a GPU: `queue URL VERSION LOCK` is a worker, `shard FILE RESULTS I/N LOCK` a
// shard. A cell takes some hundred milliseconds, and its result follows from its settings and data.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { checkedJob } from '../dist/src/train/experiment/cell-job.js';
import { DataHashes } from '../dist/src/train/experiment/data-hashes.js';
import { parseExperiment } from '../dist/src/train/experiment/parse-experiment.js';
import { CellQueue } from '../dist/src/train/experiment/queue/cell-queue.js';
import { parseQueueAddress } from '../dist/src/train/experiment/queue/queue-address.js';
import { serveQueue } from '../dist/src/train/experiment/queue/queue-worker.js';
import { runGrid } from '../dist/src/train/experiment/run-grid.js';
import { digestOf, stubResult } from './cluster-results.mjs';

async function resultOf({ experiment, cell, data }, signal) {
  await delay(200 + 3 * digestOf(cell, data)[0], undefined, { signal }).catch(() => {});
  return stubResult(experiment.name, cell, data);
}

const [mode, ...args] = process.argv.slice(2);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const hashes = new DataHashes();

if (mode === 'queue') {
  const [url, version, lock] = args;
  const queue = await CellQueue.open(parseQueueAddress(url, 'URL'), version, () => {});
  const run = (job, { signal }) => resultOf(checkedJob(job, 'a job'), signal);
  await serveQueue(queue, {
    ...{ name: `stub-${process.pid}`, runners: [run], lockSeconds: Number(lock), signal: stop.signal },
    onNote() {},
  });
  await queue.close();
} else {
  const [file, results, share, lock] = args;
  const [index, count] = share.split('/').map(Number);
  const experiment = parseExperiment(readFileSync(file, 'utf8'), file);
  const run = async (cell, signal) => resultOf({ experiment, cell, data: await hashes.of(cell) }, signal);
  const options = { results, lockSeconds: Number(lock), continues: true, signal: stop.signal };
  await runGrid(experiment, [run], {
    ...options,
    shard: count > 1 ? { index: index - 1, count } : undefined,
  });
}
