import { CallerError } from '../base/errors.js';
import { shuffledBatches } from '../data/batches.js';
import type { DataSource, Example, Split } from '../data/dataset.js';
import { dataSource } from '../data/sources.js';
import type { Task } from '../nn/model-config.js';
import { type RunSettings, SETTING_DEFAULTS } from './settings.js';
import type { TrainingRun } from './training-run.js';

/** The settings that name data. */
export type DataSettings = Pick<
  RunSettings,
  | ('data' | 'dev' | 'test' | 'textColumn' | 'labelColumn' | 'tagsColumn' | 'labels')
  | ('trainExamples' | 'devShare' | 'seed')
>;

/** The data that settings name. @throws CallerError where they name none, or do not fit each other. */
export function dataOf(
  { data, ...options }: DataSettings,
  more: Parameters<typeof dataSource>[1] = {},
): DataSource {
  if (data === undefined) throw new CallerError({ what: 'no data', expected: 'a setting "data", or --data' });
  const { dev, test, textColumn, labelColumn, tagsColumn, labels, devShare, seed } = options;
  const split = devShare === undefined ? {} : { devShare, seed };
  return dataSource(data, { dev, test, textColumn, labelColumn, tagsColumn, labels, ...split, ...more });
}

/**
 * The first rows in an order that the seed draws. With the same seed, a larger count contains the rows of a smaller one.
 * @throws CallerError where there are fewer rows.
 */
function drawnExamples(rows: Example[], count: number, seed: number, where: string): Example[] {
  if (count > rows.length) {
    throw new CallerError({
      what: `${count} training examples`,
      where,
      expected: `${rows.length} at most, the rows of its training split`,
    });
  }
  // Epochs of training count from 1, so that no epoch has this order.
  return shuffledBatches(rows.length, count, seed, 0)[0].map((row) => rows[row]);
}

/** The examples of a split. Where masked tokens are found, texts need no label. */
export async function splitOf(
  source: DataSource,
  split: Split,
  task: Task = 'classification',
): Promise<Example[]> {
  if (task !== 'mlm') return source.examples(split);
  return (await source.texts(split)).map((text) => ({ ...text, label: 0 }));
}

/** The examples of a run. @throws CallerError where they are missing, too few, or only some have tags. */
export async function examplesOf(
  source: DataSource,
  {
    trainExamples: count,
    seed = SETTING_DEFAULTS.seed,
    task,
  }: Pick<RunSettings, 'trainExamples' | 'seed'> & { task?: Task },
): Promise<TrainingRun['data']> {
  const [rows, dev] = [await splitOf(source, 'train', task), await splitOf(source, 'dev', task)];
  const train = count === undefined ? rows : drawnExamples(rows, count, seed, source.name);
  return { name: source.name, train, dev };
}
