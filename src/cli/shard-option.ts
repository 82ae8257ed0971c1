import { InvalidArgumentError, Option } from 'commander';
import { CallerError } from '../base/errors.js';
import type { Shard } from '../train/experiment/grid-cells.js';

const EXPECTED = 'i/n with i from 1 to n, such as 2/8';

function shardOf(text: string): Shard {
  const [, index, count] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text.trim()) ?? [];
  if (index === undefined || Number(index) > Number(count))
    throw new InvalidArgumentError(`expected ${EXPECTED}`);
  return { index: Number(index) - 1, count: Number(count) };
}

/** The shard of a task of a Slurm array; undefined outside of one. Its first task may have any number, and tasks any step. */
export function slurmShard(environment: NodeJS.ProcessEnv = process.env): Shard | undefined {
  const { SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_COUNT: tasks } = environment;
  if (id === undefined || tasks === undefined) return undefined;
  const { SLURM_ARRAY_TASK_MIN: min = '0', SLURM_ARRAY_TASK_STEP: step = '1' } = environment;
  const [index, count] = [(Number(id) - Number(min)) / Number(step), Number(tasks)];
  if (Number.isInteger(index) && index >= 0 && Number.isInteger(count) && index < count)
    return { index, count };
  throw new CallerError({
    what: `task ${id} of ${tasks}, from ${min} in steps of ${step}`,
    where: 'SLURM_ARRAY_TASK_ID',
    expected: 'an array of evenly spaced tasks, such as --array=0-7',
    remedy: `name the shard with --shard ${EXPECTED}`,
  });
}

export function shardOption(): Option {
  return new Option(
    '--shard <i/n>',
    'run this share of the cells first, then those that no other shard runs (default: the task of a Slurm array; without one, all cells)',
  ).argParser(shardOf);
}
