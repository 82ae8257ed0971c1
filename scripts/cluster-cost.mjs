// The cost of a cell that computes nothing: `npm run test:cluster -- --cost 2000`. Each way writes the same results to a new folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkedJob } from '../dist/src/train/experiment/cell-job.js';
import { DataHashes } from '../dist/src/train/experiment/data-hashes.js';
import { cellsOf } from '../dist/src/train/experiment/experiment.js';
import { parseExperiment } from '../dist/src/train/experiment/parse-experiment.js';
import { CellQueue } from '../dist/src/train/experiment/queue/cell-queue.js';
import { parseQueueAddress } from '../dist/src/train/experiment/queue/queue-address.js';
import { runQueuedGrid } from '../dist/src/train/experiment/queue/queue-grid.js';
import { serveQueue } from '../dist/src/train/experiment/queue/queue-worker.js';
import { resultFile, writeResult } from '../dist/src/train/experiment/results.js';
import { runGrid } from '../dist/src/train/experiment/run-grid.js';
import { stubResult } from './cluster-results.mjs';

/** @param url The address of a queue that no other process uses. */
export async function measureCost(count, url) {
  const folder = mkdtempSync(join(tmpdir(), 'parsimony-cost-'));
  mkdirSync(join(folder, 'data'));
  for (const name of ['train', 'dev'])
    writeFileSync(join(folder, `data/${name}.tsv`), 'sentence\tlabel\nit is good .\t1\nit is bad .\t0\n');
  const seed = Array.from({ length: count }, (_, at) => at);
  const settings = { data: join(folder, 'data') };
  const text = JSON.stringify({ name: 'cost', settings, conditions: { none: {} }, grid: { seed } });
  const experiment = parseExperiment(text, 'cost.json');
  const data = await new DataHashes().of(cellsOf(experiment)[0]);
  const run = async (cell) => stubResult(experiment.name, cell, data);

  async function timed(name, action) {
    const results = join(folder, name.replaceAll(' ', '-'));
    mkdirSync(join(results, 'cost'), { recursive: true });
    const [began, cpu] = [performance.now(), process.cpuUsage()];
    await action(results);
    const { user, system } = process.cpuUsage(cpu);
    const [wall, used] = [(performance.now() - began) / count, (user + system) / 1000 / count];
    console.log(`${name}: ${wall.toFixed(2)} ms a cell, ${used.toFixed(2)} ms of it on the CPU`);
  }

  try {
    await timed('writing results alone', async (results) => {
      for (const cell of cellsOf(experiment))
        await writeResult(resultFile(results, 'cost', cell), await run(cell));
    });
    await timed('with claims', async (results) => {
      let done = 0;
      let longest = 0;
      let last = performance.now();
      await runGrid(experiment, [run], {
        results,
        onResult() {
          done++;
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
        },
      });
      console.log(`  ${done} results, at most ${(longest / 1000).toFixed(2)} s between two of them`);
    });
    if (!url) return;
    const opened = () => CellQueue.open(parseQueueAddress(url, 'URL'), '0', () => {});
    const [queue, ofWorker] = [await opened(), await opened()];
    const stop = new AbortController();
    const runJob = (job) => run(checkedJob(job, 'a job').cell);
    const options = { name: 'cost', runners: [runJob], lockSeconds: 60, signal: stop.signal, onNote() {} };
    const worker = serveQueue(ofWorker, options);
    await timed('in a queue', async (results) => {
      await runQueuedGrid(experiment, queue, { results, signal: stop.signal, onNote() {} });
    });
    stop.abort();
    await worker;
    await queue.close();
    await ofWorker.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
