import type { ErrorParts } from '../../base/errors.js';
import { hashOf, sortedEntries } from '../../base/hash.js';
import { conflictIn } from '../settings-schema.js';

/** A value of a setting in an experiment's file. */
export type SettingValue = string | number | boolean | readonly string[];

/** Settings of a run, by name: see docs/settings.md. */
export type Settings = Readonly<Record<string, SettingValue>>;

/** The confirmatory measures: accuracy (on test, or dev where test has no labels), and steps to a threshold. */
export const MEASURES = ['accuracy', 'steps'] as const;

/** Two conditions whose difference is measured. */
export interface Comparison {
  /** Its result minus that of the baseline is the difference. */
  treatment: string;
  baseline: string;
  /** What is tested, and gets a verdict. All else is exploratory. */
  confirmatory: readonly (typeof MEASURES)[number][];
  /** The largest difference of accuracies that counts as equally good. */
  margin?: number;
}

/** Trainings that are compared: each condition at each point of a grid. */
export interface Experiment {
  /** Its name, and that of its folders of runs and results. */
  name: string;
  /** Its question, in a sentence; may be empty. */
  description: string;
  /** The file that it is from, for errors. */
  file?: string;
  /** Settings of every run. */
  settings: Settings;
  /** The conditions that are compared, the rows of the table: their settings by name. */
  conditions: Readonly<Record<string, Settings>>;
  /** Every condition is run at every point of this grid; `seed` is one of its axes. */
  grid: Readonly<Record<string, readonly SettingValue[]>>;
  /** Seeds that a verdict needs where time may end the runs before the last seed: all of the grid by default. */
  leastSeeds?: number;
  /** Pairs of conditions whose differences get an interval; may be empty. */
  comparisons: readonly Comparison[];
  /** The two conditions between which the others are ranked. */
  range?: readonly [floor: string, ceiling: string];
}

/** One run of an experiment. */
export interface Cell {
  /** Condition and point of the grid, as a file's name. */
  id: string;
  /** The name of one of the conditions. */
  condition: string;
  /** Its value on each axis of the grid. */
  point: Settings;
  /** All its settings: those of the condition and the point override those of the experiment. */
  settings: Settings;
  /** The hash of the settings: a finished cell whose settings have changed since is another cell. */
  hash: string;
}

/** The most runs of an experiment. */
export const MOST_CELLS = 100_000;

/** The most characters of a cell's id: with endings it is a file's name, which may have 255 bytes. */
export const LONGEST_ID = 200;

function points(grid: Experiment['grid']): Record<string, SettingValue>[] {
  return Object.entries(grid).reduce<Record<string, SettingValue>[]>(
    (done, [axis, values]) => values.flatMap((value) => done.map((point) => ({ ...point, [axis]: value }))),
    [{}],
  );
}

function fileName(text: string): string {
  return text.replace(/[^\w.@=-]+/g, '-');
}

/** Settings of the location of a run, which do not change its result: data are identified by their content. */
const LOCATIONS = ['data', 'adapter'];

/** The settings without those of the location. */
export function withoutLocations(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !LOCATIONS.includes(name)));
}

/** The hash of the settings of a cell, in any order. */
export function settingsHash(settings: Settings): string {
  return hashOf(sortedEntries(withoutLocations(settings)));
}

/** The runs of an experiment: seed by seed, so that the first seeds are whole when a long grid is cut off. */
export function cellsOf({ settings, conditions, grid }: Experiment): Cell[] {
  const { seed: seeds, ...axes } = grid;
  return points({ ...axes, seed: seeds }).flatMap((point) =>
    Object.entries(conditions).map(([condition, ofCondition]): Cell => {
      const all = { ...settings, ...ofCondition, ...point };
      const values = Object.entries(point).map(([axis, value]) => `${axis}=${value}`);
      const id = fileName([condition, ...values].join('_'));
      return { id, condition, point, settings: all, hash: settingsHash(all) };
    }),
  );
}

/** An experiment without confirmatory comparisons: for parts of its rows, or other seeds than it was planned with. */
export function exploratory(experiment: Experiment): Experiment {
  const comparisons = experiment.comparisons.map(({ treatment, baseline }): Comparison => {
    return { treatment, baseline, confirmatory: [] };
  });
  return { ...experiment, comparisons };
}

/** The tests that an experiment's file states: one for each confirmatory measure, and one for each margin, at each point of its grid. */
export function confirmatoryTests({ grid: { seed: _, ...axes }, comparisons }: Experiment): number {
  const tests = comparisons.map(
    ({ confirmatory, margin }) => confirmatory.length + (margin === undefined ? 0 : 1),
  );
  return points(axes).length * tests.reduce((a, b) => a + b, 0);
}

/** The condition whose learned biases a cell's rules are pruned from: that of `pruned:learned` is "learned". */
const PRUNED = /^pruned:(.+)$/;

/** The cell at the same point whose learned biases a cell's rules are pruned from; undefined where they are not pruned. */
export function learnedCell(cell: Cell, cells: readonly Cell[]): Cell | undefined {
  const [, condition] = PRUNED.exec(String(cell.settings.rules)) ?? [];
  if (condition === undefined) return undefined;
  const point = JSON.stringify(cell.point);
  return cells.find((other) => other.condition === condition && JSON.stringify(other.point) === point);
}

/** The error of settings of a cell that contradict each other; undefined where they do not. */
export function conflictInCell({ settings, point }: Cell, experiment: Experiment): ErrorParts | undefined {
  const [, condition] = PRUNED.exec(String(settings.rules)) ?? [];
  const isNamed = condition !== undefined && Object.hasOwn(experiment.conditions, condition);
  const learned = isNamed && { ...experiment.settings, ...experiment.conditions[condition], ...point };
  if (condition !== undefined && !(learned && learned.strategy === 'learned')) {
    return {
      what: `rules pruned from "${condition}"`,
      expected: 'a condition of this experiment with strategy "learned"',
    };
  }
  return conflictIn(settings);
}
