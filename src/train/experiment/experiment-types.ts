/** What a run may be told: a flag of `train` by its name in camel case. */
export type Setting = string | number | boolean;
export type Settings = Readonly<Record<string, Setting>>;

/** An experiment as its file writes it. */
export interface Experiment {
  name: string;
  /** What it asks, in a sentence; empty where it does not say. */
  description: string;
  /** Settings of every run. */
  settings: Settings;
  /** The rows of the table: what is compared, by name, and what each sets. */
  contenders: Readonly<Record<string, Settings>>;
  /** Every contender is run at every point of this grid; `seed` is one of its axes. */
  grid: Readonly<Record<string, readonly Setting[]>>;
  /** Pairs of contenders whose difference is tested: [one, against the other]. */
  comparisons: readonly (readonly [string, string])[];
  /** The two contenders that the others are placed between. */
  range?: readonly [floor: string, ceiling: string];
}
