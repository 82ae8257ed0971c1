import * as v from 'valibot';
import { checkArgument, options } from '../base/argument-schemas.js';
import type { Text } from '../grammar/custom-tags.js';
import { textFields } from '../grammar/grammar-arguments.js';
import type { Tag } from '../grammar/rules.js';
import type { TaggedTokenizer, TaggedTokens } from '../grammar/tagged-tokenizer.js';

/** A sentence with its class. */
export interface Example extends Text {
  /** The number of its class, from 0, in the order of the class names; 0 for the task `mlm`. */
  label: number;
}

/** A part of a data source. */
export type Split = 'train' | 'dev' | 'test';

export const SPLITS: readonly Split[] = ['train', 'dev', 'test'];

/** A source of sentences. A split is read when it is requested: a benchmark does not need `train`. */
export interface DataSource {
  /** Its name in outputs. */
  name: string;
  /**
   * Names of the classes, by label.
   * @throws EngineError where the labels name the classes, and `examples` has not read any yet.
   */
  readonly classes: readonly string[];
  /**
   * Whether the labels were read as numbers of classes whose names do not contain the numbers. Reports mention it, since the
   * order of the names then decides.
   */
  readonly byNumber?: boolean;
  /** A note about this data for reports. */
  note?: string;
  /** The pairs of tags that decide the labels, where they are known. */
  pairs?: readonly (readonly [query: Tag, key: Tag])[];
  /**
   * The examples of a split.
   * @throws CallerError where the split is missing, unreadable, or has no labels.
   */
  examples(split: Split): Promise<Example[]>;
  /** The texts of a split, with or without labels. @throws CallerError where the split is missing or unreadable. */
  texts(split: Split): Promise<Text[]>;
  /** The name of a split in reports: the data and the split, or its files. */
  nameOf(split: Split): string;
}

/** @throws CallerError for a value that is not a list of examples with labels below `classes`. */
export function checkExamples(examples: unknown, classes: number, name: string): void {
  const expected = `the number of a class, 0 to ${classes - 1}`;
  const label = v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(0, expected),
    v.maxValue(classes - 1, expected),
  );
  const example = options({ ...textFields, label }, 'an example: { text, label }');
  checkArgument(v.array(example, 'a list of examples'), examples, name);
}

/** Examples for a model: sentence i has label i. */
export interface TokenizedExamples {
  sentences: TaggedTokens[];
  labels: Uint32Array;
}

/** @throws CallerError as `TaggedTokenizer.encode` does. */
export function tokenizeExamples(
  examples: readonly Example[],
  tokenizer: TaggedTokenizer,
): TokenizedExamples {
  return { sentences: tokenizer.encode(examples), labels: Uint32Array.from(examples, ({ label }) => label) };
}
