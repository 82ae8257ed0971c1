import * as v from 'valibot';
import { checkArgument, options } from '../base/argument-schemas.js';
import type { Text } from '../grammar/custom-tags.js';
import { textFields } from '../grammar/grammar-arguments.js';
import type { TaggedTokenizer, TaggedTokens } from '../grammar/tagged-tokenizer.js';

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
   * @throws CallerError where the split is missing, cannot be read, or has no labels.
   */
  examples(split: Split): Promise<Example[]>;
  /** The texts of a split, labels or not. @throws CallerError where the split is missing or cannot be read. */
  texts(split: Split): Promise<Text[]>;
  /** `texts`, without any tags. */
  sentences(split: Split): Promise<string[]>;
  /** What a split is called where results are told: the data and the split, or the files that it was read from. */
  nameOf(split: Split): string;
}

/** @throws CallerError where these are no examples of this number of classes. */
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

/** Examples as a model reads them: sentence i has label i. */
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
