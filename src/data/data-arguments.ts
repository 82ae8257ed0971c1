import * as v from 'valibot';
import { checkArgument, number, options } from '../base/argument-schemas.js';

const tag = v.union([v.string(), v.number()], 'a tag: a text or an integer');
const words = v.optional(
  v.array(options({ start: number, end: number, tag }, 'a word with start, end and tag'), 'a list of words'),
);
const text = options({ text: v.string('a text'), words }, 'a text, or an object with one');
const textOrString = v.union([v.string(), text], 'a text, or an object with one');

/** @throws CallerError where this is no text. */
export function checkText(value: unknown, name: string): void {
  checkArgument(textOrString, value, name);
}

/** @throws CallerError where these are no texts. */
export function checkTexts(texts: unknown, name: string): void {
  checkArgument(v.array(textOrString, 'a list of texts'), texts, name);
}

/** @throws CallerError where these are no examples of so many classes. */
export function checkExamples(examples: unknown, classes: number, name: string): void {
  const expected = `the number of a class, 0 to ${classes - 1}`;
  const label = v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(0, expected),
    v.maxValue(classes - 1, expected),
  );
  const example = options({ text: v.string('a text'), words, label }, 'an example: { text, label }');
  checkArgument(v.array(example, 'a list of examples'), examples, name);
}
