import type { OwnWord } from '../grammar/own-tags.js';

/** A text, with the tags of its words where the data brings them; wink-nlp tags it where it does not. */
export interface Text {
  text: string;
  words?: readonly OwnWord[];
}

/** A sentence with its class. */
export interface Example extends Text {
  label: number;
}

export type Split = 'train' | 'dev' | 'test';

export const SPLITS: readonly Split[] = ['train', 'dev', 'test'];

/** Where sentences come from. Splits are read when asked for: a benchmark needs none of `train`. */
export interface DataSource {
  /** What outputs call it. */
  name: string;
  /**
   * Names of the classes, by label.
   * @throws EngineError where only the labels can tell, and `examples` has not read any yet.
   */
  readonly classes: readonly string[];
  /**
   * Whether the labels that were read are numbers of classes whose names do not tell which number each is: a reader of results
   * must know that they were counted so.
   */
  readonly byNumber?: boolean;
  /** Something a reader of results must know about this data. */
  note?: string;
  /**
   * The examples of a split.
   * @throws CallerError where the split is missing, is no such data, or has no labels.
   */
  examples(split: Split): Promise<Example[]>;
  /** The texts of a split, labels or not. @throws CallerError where the split is missing or is no such data. */
  texts(split: Split): Promise<Text[]>;
  /** `texts`, without any tags. */
  sentences(split: Split): Promise<string[]>;
  /** What a split is called where results are told: the data and the split, or the files that it was read from. */
  nameOf(split: Split): string;
}
