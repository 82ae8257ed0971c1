import * as v from 'valibot';
import { CallerError } from '../../base/errors.js';
import { isObject, onlyFields, text } from '../../base/json-schemas.js';
import { type Cell, cellsOf, type Experiment, learnedCell } from './experiment.js';
import { parseExperiment } from './parse-experiment.js';

const JOB = onlyFields({
  /** The experiment of this cell alone, as its file has it. */
  experiment: v.custom<object>(isObject, 'an experiment'),
  /** The id of the cell. */
  cell: text,
  /** The hash of its data. */
  data: text,
});

/** A cell for another process or machine: settings and hashes, and nothing that is executed. */
export type CellJob = v.InferOutput<typeof JOB>;

/** The cell of a checked job. */
export interface CheckedJob {
  experiment: Experiment;
  cell: Cell;
  data: string;
}

/** The job of a cell. It holds only two conditions of the experiment: the cell's, and the one its rules are pruned from. */
export function jobOf(experiment: Experiment, cell: Cell, data: string): CellJob {
  const { name, settings, conditions } = experiment;
  const learned = learnedCell(cell, cellsOf(experiment));
  const names = [cell.condition, ...(learned ? [learned.condition] : [])];
  return {
    experiment: {
      name,
      settings,
      conditions: Object.fromEntries(names.map((each) => [each, conditions[each]])),
      grid: Object.fromEntries(Object.entries(cell.point).map(([axis, value]) => [axis, [value]])),
    },
    cell: cell.id,
    data,
  };
}

/**
 * Checks a job. Its experiment is checked as if it were a file: its settings by their schema, its name as that of a folder.
 * @param where The source of the job, for errors.
 * @throws CallerError where it is not a job.
 */
export function checkedJob(job: unknown, where: string): CheckedJob {
  const { success, output } = v.safeParse(JOB, job, { abortEarly: true });
  if (!success) throw new CallerError({ what: 'is not a cell of an experiment', where });
  const experiment = parseExperiment(JSON.stringify(output.experiment), where);
  const cell = cellsOf(experiment).find(({ id }) => id === output.cell);
  if (!cell) throw new CallerError({ what: `has no cell "${output.cell}"`, where });
  return { experiment, cell, data: output.data };
}

/** @throws CallerError where the data here differ from those of the process that made the job. */
export function checkSameData({ cell, data }: CheckedJob, hash: string): void {
  if (hash === data) return;
  throw new CallerError({
    what: `the data here have another content (${hash}) than those of the experiment (${data})`,
    where: `${cell.settings.data ?? '--data'}`,
    expected: 'the same examples in the same order',
    remedy: 'copy them, or name their location here with --data',
  });
}
