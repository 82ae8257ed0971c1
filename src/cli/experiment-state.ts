import { Command } from 'commander';
import { CellFailures } from '../train/experiment/cell-failures.js';
import type { Experiment } from '../train/experiment/experiment.js';
import { claimsFolder } from '../train/experiment/grid-cells.js';
import { type CellState, countsOf, gridState } from '../train/experiment/grid-state.js';
import type { CellQueue, JobProgress } from '../train/experiment/queue/cell-queue.js';
import { readExperiment } from './experiment-file.js';
import { type JsonTarget, wroteJson } from './output-files.js';
import { type QueueFlag, withQueue } from './queue-option.js';
import { note, print, printTable } from './terminal.js';

interface StateFlags {
  results: string;
  queue?: QueueFlag;
  lock: number;
  json?: JsonTarget;
}

function exampleOf(name: string): string {
  return `
Example:
  $ parsimony experiment ${name} experiments/embedded.json
  $ parsimony experiment ${name} experiments/embedded.json --queue redis://queue.example:6379

It takes --results, --queue, --lock and --json of \`parsimony experiment\`.`;
}

/** `experiment status`, `cancel` and `retry`: they take the flags of `experiment`. */
export function stateCommands(): Command[] {
  return (
    [
      ['status', 'say which cells are finished, run, failed or wait', status],
      ['cancel', 'stop all processes and workers that run cells, each with a checkpoint', cancel],
      ['retry', 'let failed and cancelled cells run again', retry],
    ] as const
  ).map(([name, description, action]) =>
    new Command(name)
      .description(`${description}; in --results, or in --queue`)
      .argument('<file>', 'the experiment')
      .addHelpText('after', exampleOf(name))
      .action(async (file: string, _: object, command: Command) => {
        await action(await readExperiment(file), command.optsWithGlobals<StateFlags>());
      }),
  );
}

async function status(experiment: Experiment, flags: StateFlags): Promise<void> {
  const inFolder = await gridState(flags.results, experiment, flags);
  const states = flags.queue
    ? await withQueue(flags.queue, (queue) => queuedStates(queue, experiment, inFolder))
    : inFolder;
  if (await wroteJson(flags.json, { experiment: experiment.name, cells: states })) return;
  print(`${experiment.name}, ${countsOf(states)}`);
  const shown = states.filter(
    ({ progress, about }) => progress !== 'finished' && (progress !== 'waiting' || about),
  );
  if (shown.length > 0)
    printTable(
      ['cell', 'state', ''],
      shown.map(({ id, progress, about = '' }) => [id, progress, about]),
    );
}

/** The states of cells, with what the queue says of those that have no result here. */
async function queuedStates(
  queue: CellQueue,
  { name }: Experiment,
  states: readonly CellState[],
): Promise<CellState[]> {
  const queued = new Map<string, CellState>();
  for (const progress of ['running', 'failed', 'finished'] as const) {
    const state = { running: 'active', failed: 'failed', finished: 'completed' } as const;
    for (const job of await queue.jobsOf(name, state[progress])) {
      const { worker = 'a worker', step = 0, totalSteps = 0 } = Object(job.progress) as Partial<JobProgress>;
      const about = {
        running: `${worker}, step ${step} of ${totalSteps}`,
        failed: job.failedReason,
        finished: undefined,
      }[progress];
      queued.set(job.data.cell, { id: job.data.cell, progress, about });
    }
  }
  return states.map((state) => (state.progress === 'finished' ? state : (queued.get(state.id) ?? state)));
}

async function cancel(experiment: Experiment, { results, queue: address }: StateFlags): Promise<void> {
  if (address) await withQueue(address, (queue) => queue.cancel(experiment.name));
  else await new CellFailures(claimsFolder(results, experiment.name)).cancel();
  note(`${experiment.name} is cancelled. Runs under way end with a checkpoint.`);
}

async function retry(experiment: Experiment, { results, queue: address }: StateFlags): Promise<void> {
  const failed = address
    ? await withQueue(address, (queue) => queue.retry(experiment.name))
    : await new CellFailures(claimsFolder(results, experiment.name)).clear();
  note(`${experiment.name}: ${failed} failed cells may run again.`);
}
