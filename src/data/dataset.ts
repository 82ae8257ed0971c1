/** A sentence with its class. */
export interface Example {
  text: string;
  label: number;
}

export type Split = 'train' | 'dev' | 'test';

export const SPLITS: readonly Split[] = ['train', 'dev', 'test'];

/** Where sentences come from. Splits are read when asked for: a benchmark needs none of `train`. */
export interface DataSource {
  /** What outputs call it. */
  name: string;
  /** Names of the classes, by label. */
  classes: readonly string[];
  /** Something a reader of results must know about this data. */
  note?: string;
  /**
   * The examples of a split.
   * @throws CallerError where the split is missing, is no such data, or has no labels.
   */
  examples(split: Split): Promise<Example[]>;
  /** The sentences of a split, labels or not. @throws CallerError where the split is missing or is no such data. */
  sentences(split: Split): Promise<string[]>;
}
