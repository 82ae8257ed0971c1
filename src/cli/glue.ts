import { CallerError } from '../base/errors.js';
import type { Prediction } from '../train/sentence-classifier.js';

/** The meaning of 0 and 1 in the tasks of GLUE whose predictions are numbers: SST-2, CoLA, MRPC and QQP. */
const BY_NUMBER: readonly (readonly [string, string])[] = [
  ['negative', 'positive'],
  ['unacceptable', 'acceptable'],
  ['not_equivalent', 'equivalent'],
  ['not_duplicate', 'duplicate'],
];

/** Classes of the tasks whose predictions are words: MNLI, QNLI and RTE (and WNLI's numbers have none). */
const BY_WORD: readonly (readonly string[])[] = [
  ['contradiction', 'entailment', 'neutral'],
  ['entailment', 'not_entailment'],
];

/** The class that has no name but its number: `1`, or Hugging Face's `LABEL_1`. */
function isNumbered(name: string, at: number): boolean {
  return name === `${at}` || name === `label_${at}`;
}

/**
 * What GLUE calls each of a model's classes: 0 and 1 where the classes are those of a task of numbers, in any order,
 * or have no other names; the words of a task of words.
 * @throws CallerError for classes of another kind.
 */
export function glueNames(classes: readonly string[]): string[] {
  const names = classes.map((name) => name.trim().toLowerCase());
  const sorted = JSON.stringify([...names].sort());
  const numbered = BY_NUMBER.find((task) => JSON.stringify([...task].sort()) === sorted);
  if (numbered) return names.map((name) => `${numbered.indexOf(name)}`);
  if (BY_WORD.some((task) => JSON.stringify(task) === sorted)) return names;
  if (names.length === 2 && names.every(isNumbered)) return names.map((_, at) => `${at}`);
  throw new CallerError({
    what: `classes ${classes.slice(0, 10).join(', ')}`,
    where: '--glue',
    expected: `those of a task of GLUE: 0, 1; ${[...BY_NUMBER, ...BY_WORD].map((task) => task.join(', ')).join('; ')}`,
    remedy: 'leave --glue out: --json prints the predictions of any model',
  });
}

/** GLUE's file of predictions. @param names What it calls each class (`glueNames`). */
export function glueText(
  predictions: readonly Prediction[],
  classes: readonly string[],
  names: readonly string[],
): string {
  const rows = predictions.map(({ label }, index) => `${index}\t${names[classes.indexOf(label)]}\n`);
  return `index\tprediction\n${rows.join('')}`;
}
