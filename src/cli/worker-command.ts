import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { commandLine } from '../../bench/environment.js';
import { LOCK_SECONDS } from '../train/experiment/grid-cells.js';
import { type RunJob, serveQueue } from '../train/experiment/queue/queue-worker.js';
import { CellChild } from './cell-child.js';
import { outliveReaders } from './output-streams.js';
import { type QueueFlag, queueOption, withQueue } from './queue-option.js';
import { jobsNumber, secondsNumber, settingOption } from './setting-options.js';
import { REQUEUE_CODES, stoppable } from './stopping.js';
import { note } from './terminal.js';

interface WorkerFlags {
  queue?: QueueFlag;
  jobs: number;
  data?: string;
  out: string;
  lock: number;
  untilEmpty?: boolean;
  adapter?: string;
}

const EXAMPLE = `
Example:
  $ parsimony worker --queue redis://queue.example:6379
  $ PARSIMONY_QUEUE=rediss://:password@queue.example:6379 parsimony worker --adapter gpu --until-empty

Start one for each GPU. Cells that share --out with other workers are resumed where those ended. See docs/cluster.md.`;

/** Seconds after which a process counts as dead. */
export function lockOption(): Option {
  const help = 'seconds without a sign after which the cells of a process or worker are taken over';
  return new Option('--lock <seconds>', help).argParser(secondsNumber).default(LOCK_SECONDS);
}

export function workerCommand(command: Command): void {
  command
    .addOption(queueOption('the queue'))
    .addOption(
      new Option('--jobs <count>', 'cells at a time, each in a process').argParser(jobsNumber).default(1),
    )
    .option('--data <source>', "the location of the data here, instead of the experiment's")
    .option('--out <folder>', 'where each run has its folder; workers may share it', 'runs')
    .addOption(lockOption())
    .option('--until-empty', 'end when there was no cell for the time of --lock')
    .addOption(settingOption('adapter'))
    .addHelpText('after', EXAMPLE)
    .action(work);
}

async function work(flags: WorkerFlags): Promise<void> {
  const { queue: address, jobs, data, out: runs, lock: lockSeconds, untilEmpty, adapter } = flags;
  const name = `${hostname()}-${process.pid}`;
  const options = { adapter, runs, data, notes: { command: commandLine(), worker: name } };
  const children = Array.from({ length: jobs }, () => new CellChild(options));
  const noted = new Set<string>();
  const onNote = (text: string) => {
    if (noted.size < noted.add(text).size) note(text);
  };
  const runners = children.map(
    (child): RunJob =>
      (job, hooks) =>
        child.run(job, { ...hooks, onNote }),
  );
  outliveReaders();
  try {
    await withQueue(address, (queue) => {
      note(`Worker ${name} takes cells from ${queue.server}.`);
      const serve = (signal: AbortSignal) =>
        serveQueue(queue, { name, runners, lockSeconds, untilEmpty, signal, onNote: note });
      return stoppable(serve, () => 'its cell went back to the queue', REQUEUE_CODES);
    });
  } finally {
    for (const child of children) child.close();
  }
}
