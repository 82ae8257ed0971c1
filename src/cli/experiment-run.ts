import { commandLine } from '../../bench/environment.js';
import type { Precision } from '../base/precision.js';
import { jobOf } from '../train/experiment/cell-job.js';
import { DataHashes } from '../train/experiment/data-hashes.js';
import { type Cell, cellsOf, type Experiment } from '../train/experiment/experiment.js';
import { orderedCells, type Shard } from '../train/experiment/grid-cells.js';
import { runQueuedGrid } from '../train/experiment/queue/queue-grid.js';
import type { CellResult } from '../train/experiment/results.js';
import { checkCell } from '../train/experiment/run-cell.js';
import { runExperiment } from '../train/experiment/run-experiment.js';
import { type GridOptions, type RunCell, runGrid } from '../train/experiment/run-grid.js';
import { CellChild } from './cell-child.js';
import { resultVersions } from './cell-versions.js';
import { GridDisplay } from './grid-display.js';
import { kernelsFor } from './kernel-cache.js';
import { withDevice } from './options.js';
import { outliveReaders } from './output-streams.js';
import { type QueueFlag, withQueue } from './queue-option.js';
import { REQUEUE_CODES, stoppable } from './stopping.js';
import { note } from './terminal.js';
import { runDisplay } from './train-output.js';

/** Where and how the cells of an experiment run. */
export interface RunFlags {
  data?: string;
  out: string;
  results: string;
  only?: string[];
  adapter?: string;
  jobs?: number;
  shard?: Shard;
  queue?: QueueFlag;
  lock?: number;
}

type OnFailure = (cell: Cell, error: string) => void;

/** The adapter of an experiment: one for all of its runs. */
function adapterOf({ settings: { adapter } }: Experiment, flags: RunFlags): string | undefined {
  return flags.adapter ?? (adapter === undefined ? undefined : `${adapter}`);
}

/** The precision that the device is opened for: f16 where any run is of it. */
function precisionOf({ settings, conditions }: Experiment): Precision {
  return [settings, ...Object.values(conditions)].some(({ precision }) => precision === 'f16')
    ? 'f16'
    : 'f32';
}

/** Runs the cells one after another in this process. */
async function runHere(whole: Experiment, flags: RunFlags, signal: AbortSignal): Promise<CellResult[]> {
  const { out: runs, results, data, only, lock: lockSeconds } = flags;
  const total = orderedCells(whole, only).length;
  let done = 0;
  const options = {
    ...{ runs, results, data, only, kernelsFor, lockSeconds, signal, versions: resultVersions() },
    notes: { command: commandLine() },
    onNote: note,
    hooksOf: ({ id }: Cell, folder: string) => runDisplay(folder, () => note(`${id}:`)),
    onResult({ id }: Cell, { best, final }: CellResult) {
      note(
        `${++done} of ${total}, ${id}: dev accuracy ${best.accuracy.toFixed(4)} at its best, ` +
          `${final.accuracy.toFixed(4)} at the end`,
      );
    },
  };
  return withDevice(
    adapterOf(whole, flags),
    (device) => runExperiment(device, whole, options),
    precisionOf(whole),
  );
}

/** Runs the cells in processes, whose number is `jobs`. */
async function runInProcesses(
  whole: Experiment,
  flags: RunFlags,
  signal: AbortSignal,
  onFailure: OnFailure,
): Promise<CellResult[]> {
  const { out: runs, results, data, only, shard, jobs = 1, lock: lockSeconds } = flags;
  for (const cell of cellsOf(whole)) checkCell(cell, whole, data);
  const display = new GridDisplay(whole, only);
  const hashes = new DataHashes(data);
  const notes = { command: commandLine() };
  const noted = new Set<string>();
  const children = Array.from(
    { length: jobs },
    () => new CellChild({ adapter: adapterOf(whole, flags), runs, data, notes }),
  );
  const runnerOf =
    (child: CellChild): RunCell =>
    async (cell, stopped) => {
      try {
        return await child.run(jobOf(whole, cell, await hashes.of(cell)), {
          signal: stopped,
          onProgress: (step, totalSteps) => display.onProgress(cell.id, { step, totalSteps }),
          // Most notes are of the data, and the same for all cells.
          onNote: (text) => noted.size < noted.add(text).size && note(`${cell.id}: ${text}`),
        });
      } finally {
        display.onEnd(cell.id);
      }
    };
  const options: GridOptions = {
    ...{ results, data, only, shard, lockSeconds, signal, continues: true },
    ...display.hooks(onFailure),
  };
  try {
    return await runGrid(whole, children.map(runnerOf), options);
  } finally {
    display.stop();
    for (const child of children) child.close();
  }
}

/** Puts the cells on a queue, and gathers their results. */
async function runInQueue(
  whole: Experiment,
  flags: RunFlags,
  signal: AbortSignal,
  onFailure: OnFailure,
): Promise<CellResult[]> {
  const { results, data, only, queue: address } = flags;
  for (const cell of cellsOf(whole)) checkCell(cell, whole, data);
  return withQueue(address, async (queue) => {
    const display = new GridDisplay(whole, only);
    try {
      return await runQueuedGrid(whole, queue, {
        ...{ results, data, only, signal, onNote: note },
        ...display.hooks(onFailure),
        onRunning: (running) => display.setRunning(running),
      });
    } finally {
      display.stop();
    }
  });
}

/**
 * Runs the unfinished cells of an experiment.
 * @param onFailure Called with the error of a cell that is left out.
 * @returns The results that are there at the end.
 * @throws As `runGrid`; CommandStopped where a signal ended it.
 */
export async function runCells(
  whole: Experiment,
  flags: RunFlags,
  onFailure: OnFailure,
): Promise<CellResult[]> {
  outliveReaders();
  const isHere = flags.jobs === undefined && flags.shard === undefined;
  const run = flags.queue ? runInQueue : isHere ? runHere : runInProcesses;
  return stoppable(
    (signal) => run(whole, flags, signal, onFailure),
    () => `continue with: ${commandLine()}`,
    REQUEUE_CODES,
  );
}
