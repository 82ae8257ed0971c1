import * as v from 'valibot';
import { checkArgument } from '../base/argument-schemas.js';
import { CallerError, describeJson, type ErrorParts } from '../base/errors.js';
import { listOf } from '../base/json-schemas.js';
import {
  type Defaults,
  flagOf,
  type Options,
  type RunSettings,
  SETTINGS,
  type Setting,
  type SettingName,
  type Table,
  TRAINING,
  TRAINING_DEFAULTS,
} from './settings.js';

const TODAYS_NAMES = new Map(
  Object.entries<Setting>(SETTINGS).flatMap(([name, { aliases = [] }]) =>
    [name, ...aliases].map((one) => [one, name as SettingName] as const),
  ),
);

/** The current name of a setting; undefined for a name that no setting has or had. */
export function settingNamed(name: string): SettingName | undefined {
  return TODAYS_NAMES.get(name);
}

/** Settings by their current names. Undefined values are left out; other names stay. */
export function withTodaysNames<Value>(values: Readonly<Record<string, Value>>): Record<string, Value> {
  const named = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(named.map(([name, value]) => [settingNamed(name) ?? name, value]));
}

/** Settings by the names of version 0.1, for the fingerprints of runs, so that its runs can be resumed. */
export function withHashedNames(values: object): Record<string, unknown> {
  const named = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    named.map(([name, value]) => [(SETTINGS as Table)[name]?.aliases?.[0] ?? name, value]),
  );
}

/** Two names of one setting that appear together; undefined where none do. */
export function namedTwice(values: object): [string, string] | undefined {
  const first = new Map<string, string>();
  for (const name of Object.keys(values)) {
    const today = settingNamed(name) ?? name;
    if (first.has(today)) return [first.get(today)!, name];
    first.set(today, name);
  }
  return undefined;
}

type Entry = v.GenericSchema<unknown, unknown>;

/** The schema of each setting of a table, by its current name and by those of version 0.1. */
function entriesOf(table: Table, entryOf: (type: Entry) => Entry = (type) => type): Record<string, Entry> {
  return Object.fromEntries(
    Object.entries<Setting>(table).flatMap(([name, { type, aliases = [] }]) =>
      [name, ...aliases].map((one) => [one, v.optional(entryOf(type))]),
    ),
  );
}

/** The schema of an object of settings; its output has the current names. */
function withNames<Schema extends v.GenericSchema<unknown, Record<string, unknown>>>(schema: Schema) {
  return v.pipe(
    schema,
    v.check((values) => namedTwice(values) === undefined, 'each setting under one name'),
    v.transform((values: Record<string, unknown>) => withTodaysNames(values)),
  );
}

const NO_SETTING = `one of: ${Object.keys(SETTINGS).join(', ')}`;

/** The schema of settings as a file holds them, and no other fields. */
export const fileSettings = withNames(v.strictObject(entriesOf(SETTINGS), NO_SETTING));

/** The schema of lists of values for settings. */
export const gridSettings = withNames(
  v.strictObject(
    entriesOf(SETTINGS, (type) => v.pipe(listOf(type), v.minLength(1, 'a list of at least one value'))),
    NO_SETTING,
  ),
);

/** The schema of an object that holds settings of training, among other fields. */
export const trainingSettings = withNames(v.looseObject(entriesOf(TRAINING), 'an object'));

/** Settings that a checkpoint determines. */
const OF_A_CHECKPOINT = ['preset', 'layers', 'hidden', 'heads', 'feedForward', 'vocab', 'case'] as const;

/** The error of settings that contradict each other; undefined where they do not. */
export function conflictIn(settings: RunSettings): ErrorParts | undefined {
  const {
    init,
    vocab,
    evaluationsPerEpoch,
    evalSteps,
    sparsity = 0,
    strategy = 'none',
    precision,
  } = settings;
  const beside = OF_A_CHECKPOINT.find((name) => settings[name] !== undefined);
  if (init !== undefined && beside) {
    return {
      what: `${flagOf(beside)} beside --init`,
      expected: 'one of them: a checkpoint has a shape and a vocabulary of its own',
    };
  }
  const { task = 'classification', maskProbability = 0, mlmProbability } = settings;
  const ofClasses = (['labels', 'labelColumn'] as const).find((name) => settings[name] !== undefined);
  if (task === 'mlm' && (ofClasses || maskProbability > 0)) {
    return {
      what: `${flagOf(ofClasses ?? 'maskProbability')} with --task mlm`,
      expected: ofClasses ? 'no labels: the model finds masked tokens' : '--mlm-probability',
      remedy: 'leave it out',
    };
  }
  if (mlmProbability === 0) {
    return { what: '--mlm-probability 0', expected: 'a share above 0' };
  }
  if (settings.case !== undefined && vocab === undefined) {
    return {
      what: `--case ${settings.case} without --vocab`,
      expected: "no --case: BERT's vocabulary, which is the default, is of lower case",
    };
  }
  if (evaluationsPerEpoch !== undefined && evalSteps !== undefined) {
    return {
      what: `${evaluationsPerEpoch} evaluations an epoch, and one every ${evalSteps} steps`,
      expected: 'one of both',
      remedy: 'leave the other out',
    };
  }
  if (sparsity > 0 && precision === 'f16') {
    return {
      what: `a sparsity penalty of ${describeJson(sparsity)} in precision f16`,
      expected: 'precision f32: the penalty is not of the scaled loss',
    };
  }
  if (sparsity > 0 && strategy !== 'learned') {
    return {
      what: `a sparsity penalty of ${describeJson(sparsity)} with strategy "${strategy}"`,
      expected: 'strategy "learned"',
    };
  }
  return undefined;
}

/** Options of training; see docs/settings.md. */
export interface TrainingOptions extends Options<typeof TRAINING> {}

/** All settings of training, with defaults. */
export type TrainingSettings = TrainingOptions & Defaults<typeof TRAINING> & { warmupSteps: number };

/** The default warm-up: 500 steps as in the paper, or a tenth of a shorter run. */
function warmupSteps(totalSteps: number): number {
  return Math.min(500, Math.ceil(totalSteps / 10));
}

type OfSteps = Pick<TrainingSettings, 'batchSize' | 'gradientAccumulationSteps'>;

export function stepsPerEpoch(rows: number, { batchSize, gradientAccumulationSteps }: OfSteps): number {
  return Math.ceil(Math.ceil(rows / batchSize) / gradientAccumulationSteps);
}

/** The fields of an object that are settings of training, by their current names. */
export function trainingSettingsIn(values: object): TrainingOptions {
  const ofTraining = Object.entries(values).filter(([name]) =>
    Object.hasOwn(TRAINING, settingNamed(name) ?? ''),
  );
  return withTodaysNames(Object.fromEntries(ofTraining)) as TrainingOptions;
}

/**
 * All settings of a run.
 * @param options Settings; other fields are ignored.
 * @param rows Training examples.
 * @throws CallerError where a setting makes no sense.
 */
export function completeSettings(options: TrainingOptions, rows: number): TrainingSettings {
  checkArgument(trainingSettings, options, 'options');
  const settings = { ...TRAINING_DEFAULTS, ...trainingSettingsIn(options) };
  if (settings.evalSteps === undefined) settings.evaluationsPerEpoch ??= 1;
  const conflict = conflictIn({ ...settings, strategy: 'learned' });
  if (conflict) throw new CallerError(conflict);
  if (rows === 0) throw new CallerError({ what: 'no training examples', expected: 'at least one' });
  const totalSteps = settings.epochs * stepsPerEpoch(rows, settings);
  return { ...settings, warmupSteps: settings.warmupSteps ?? warmupSteps(totalSteps) };
}
