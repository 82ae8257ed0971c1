import { ParsimonyError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import type { Device } from '../gpu/device.js';
import { openDevice } from '../gpu/open-device.js';
import { checkedJob, checkSameData } from '../train/experiment/cell-job.js';
import { DataHashes } from '../train/experiment/data-hashes.js';
import { CellRunner } from '../train/experiment/run-cell.js';
import { RunInterrupted } from '../train/interruption.js';
import type { CellReply, CellRequest } from './cell-child.js';
import { resultVersions } from './cell-versions.js';
import { kernelsFor } from './kernel-cache.js';

/** Between two reports of progress, in milliseconds. */
const REPORT_MS = 500;

let opened: { device: Device; precision?: Precision; adapter?: string } | undefined;
let running: AbortController | undefined;
let last = Promise.resolve();

/** The data of all cells, by the location that was named for them. */
const dataHashes = new Map<string | undefined, DataHashes>();

function reply(message: CellReply): void {
  if (process.connected) process.send!(message);
}

/** The device, which is opened again where a cell needs another. */
async function deviceFor(adapter?: string, precision?: Precision): Promise<Device> {
  if (opened && opened.precision === precision && opened.adapter === adapter) return opened.device;
  opened?.device.close();
  opened = { device: await openDevice({ adapter, precision }), precision, adapter };
  return opened.device;
}

async function run({ job, options }: Extract<CellRequest, { kind: 'run' }>, signal: AbortSignal) {
  const { adapter, runs, data, notes } = options;
  const checked = checkedJob(job, `cell ${job.cell}`);
  const { experiment, cell } = checked;
  const hashes = dataHashes.get(data) ?? new DataHashes(data);
  dataHashes.set(data, hashes);
  checkSameData(checked, await hashes.of(cell));
  const device = await deviceFor(adapter, cell.settings.precision as Precision | undefined);
  let reported = 0;
  const runner = new CellRunner(device, experiment, {
    ...{ runs, data, notes, kernelsFor, versions: resultVersions(), takesOver: true },
    onNote: (text) => reply({ kind: 'note', text }),
    hooksOf: () => {
      let totalSteps = 0;
      return {
        onStart: (start) => {
          totalSteps = start.totalSteps;
          reply({ kind: 'progress', ...start });
        },
        onProgress: ({ step }) => {
          if (performance.now() - reported < REPORT_MS) return;
          reported = performance.now();
          reply({ kind: 'progress', step, totalSteps });
        },
      };
    },
  });
  reply({ kind: 'result', text: JSON.stringify(await runner.resultOf(cell, signal)) });
}

function report(error: unknown): void {
  if (error instanceof RunInterrupted) reply({ kind: 'interrupted', at: error.at });
  else {
    const message = error instanceof Error ? error.message : String(error);
    reply({ kind: 'error', message, isCallers: error instanceof ParsimonyError && error.exitCode === 2 });
  }
}

process.on('message', (request: CellRequest) => {
  if (request.kind === 'stop') running?.abort();
  else {
    const controller = new AbortController();
    running = controller;
    last = run(request, controller.signal).catch(report);
  }
});

// The parent has ended, in any way: the run ends with a checkpoint.
process.on('disconnect', () => {
  running?.abort();
  last.finally(() => process.exit());
});

// A terminal and a scheduler signal all processes of a job: the parent decides, and says so.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const)
  if (process.platform !== 'win32' || signal !== 'SIGUSR1') process.on(signal, () => {});
