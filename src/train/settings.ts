import { CallerError } from '../base/errors.js';
import { ADAMW_DEFAULTS } from '../nn/adamw.js';
import type { UpdateOptions } from '../nn/classifier.js';
import { SCHEDULES, type ScheduleKind } from './schedule.js';
import { checkTrainingOptions } from './train-arguments.js';

/** What a training run is made of, beside model and data. */
export interface TrainingSettings extends UpdateOptions {
  epochs: number;
  /** Sentences a batch. */
  batch: number;
  /** Batches a step: its gradient is the mean over the examples of all. The last step of an epoch may have fewer. */
  accumulate: number;
  /** The learning rate at the end of the warm-up. */
  rate: number;
  /** The same of learned biases, where it is another. */
  biasRate?: number;
  /** What the rate does after the warm-up. */
  schedule: ScheduleKind;
  warmUpSteps: number;
  seed: number;
  /** How often in an epoch, evenly spread, `dev` is evaluated; the last time is at its end. */
  evaluations?: number;
  /** Instead of `evaluations`: the steps from one evaluation to the next; the end of an epoch is evaluated, too. */
  evaluateEvery?: number;
  /** Steps between two checkpoints; none where 0, and one at each evaluation where left out. */
  checkpointEvery?: number;
  /** The probability with which a token is read as [MASK] while training. */
  maskTokens: number;
  /** λ of the sparsity penalty on what strategy `learned` learns; 0 for none. */
  sparsity: number;
}

export type TrainingOptions = Partial<TrainingSettings>;

export const DEFAULT_SEED = 42;

/** The paper's run, but for what suits training from scratch: batch 32 at rate 2e-4. */
export const TRAINING_DEFAULTS = {
  ...ADAMW_DEFAULTS,
  freezeEmbeddings: false,
  epochs: 3,
  batch: 32,
  accumulate: 1,
  rate: 2e-4,
  schedule: 'linear' as ScheduleKind,
  seed: DEFAULT_SEED,
  maskTokens: 0,
  sparsity: 0,
};

const NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(TRAINING_DEFAULTS),
  'warmUpSteps',
  'biasRate',
  'evaluations',
  'evaluateEvery',
  'checkpointEvery',
]);

/** The paper warms up for 500 steps; a short run for a tenth of its own. */
function warmUpSteps(totalSteps: number): number {
  return Math.min(500, Math.ceil(totalSteps / 10));
}

export function stepsPerEpoch(
  rows: number,
  { batch, accumulate }: Pick<TrainingSettings, 'batch' | 'accumulate'>,
): number {
  return Math.ceil(Math.ceil(rows / batch) / accumulate);
}

function check(holds: boolean, what: string, expected: string, remedy?: string): void {
  if (!holds) throw new CallerError({ what, expected, remedy });
}

/** The kernels count in f32: what is larger would reach them as infinity. */
function isSingle(value: number): boolean {
  return Number.isFinite(Math.fround(value));
}

function checkCounts(settings: TrainingOptions): void {
  const isCount = (value: number) => Number.isInteger(value) && value >= 1;
  const { epochs, batch, accumulate, evaluations, evaluateEvery, checkpointEvery, warmUpSteps } = settings;
  for (const [what, value] of [
    [`${epochs} epochs`, epochs],
    [`a batch of ${batch}`, batch],
    [`${accumulate} batches a step`, accumulate],
    [`${evaluations} evaluations an epoch`, evaluations],
    [`an evaluation every ${evaluateEvery} steps`, evaluateEvery],
  ] as const) {
    check(value === undefined || isCount(value), what, 'a positive integer');
  }
  for (const [what, value] of [
    [`a checkpoint every ${checkpointEvery} steps`, checkpointEvery],
    [`${warmUpSteps} warm-up steps`, warmUpSteps],
  ] as const) {
    check(value === undefined || value === 0 || isCount(value), what, 'a whole number');
  }
  check(
    evaluations === undefined || evaluateEvery === undefined,
    `${evaluations} evaluations an epoch, and one every ${evaluateEvery} steps`,
    'one of both',
    'leave the other out',
  );
}

/**
 * All settings of a run.
 * @param options May carry more, which is left out.
 * @param rows Training examples.
 * @throws CallerError where a setting makes no sense.
 */
export function completeSettings(options: TrainingOptions, rows: number): TrainingSettings {
  checkTrainingOptions(options);
  const given = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => NAMES.has(name) && value !== undefined),
  );
  const settings: Omit<TrainingSettings, 'warmUpSteps'> = { ...TRAINING_DEFAULTS, ...given };
  if (settings.evaluateEvery === undefined) settings.evaluations ??= 1;
  checkCounts(settings);
  const { rate, biasRate = rate, seed, schedule, maskTokens, weightDecay, clipNorm, sparsity } = settings;
  for (const each of [rate, biasRate]) {
    check(
      isSingle(each) && Math.fround(each) > 0,
      `a learning rate of ${each}`,
      'a positive number of 32 bits',
    );
  }
  for (const [name, value] of Object.entries({
    'a weight decay': weightDecay,
    'a gradient norm': clipNorm,
    'a sparsity penalty': sparsity,
  })) {
    check(isSingle(value) && value >= 0, `${name} of ${value}`, 'a number of 0 or more, of 32 bits');
  }
  for (const name of ['beta1', 'beta2'] as const) {
    const beta = settings[name];
    check(beta >= 0 && beta < 1, `${name} of ${beta}`, 'a number from 0 to below 1');
  }
  check(
    settings.epsilon > 0 && Number.isFinite(settings.epsilon),
    `epsilon of ${settings.epsilon}`,
    'a positive number',
  );
  check(
    Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
    `seed ${seed}`,
    'a whole number from 0 to 2³² - 1',
  );
  check(SCHEDULES.includes(schedule), `schedule "${schedule}"`, `one of: ${SCHEDULES.join(', ')}`);
  check(maskTokens >= 0 && maskTokens < 1, `tokens masked with ${maskTokens}`, 'a probability below 1');
  check(rows > 0, 'no training examples', 'at least one');
  const totalSteps = settings.epochs * stepsPerEpoch(rows, settings);
  return { ...settings, warmUpSteps: options.warmUpSteps ?? warmUpSteps(totalSteps) };
}
