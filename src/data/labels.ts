import { CallerError } from '../base/errors.js';
import type { DataFile } from './data-rows.js';
import type { DataSource, Example } from './dataset.js';
import { locationOf } from './table.js';

/** A column with more different values does not have classes. */
const MOST_CLASSES = 1_000;

/** Classes that a message lists. */
const MOST_LISTED = 20;

const WHOLE_NUMBER = /^(0|[1-9]\d*)$/;

/** The names of 0 and 1 in TSV files, which have the layout of GLUE's SST-2. */
const GLUE_CLASSES = ['negative', 'positive'];

function isNumeric(label: string): boolean {
  return label.trim() !== '' && Number.isFinite(Number(label));
}

function isTsv({ file }: DataFile): boolean {
  return file.toLowerCase().endsWith('.tsv');
}

function listNames(names: readonly string[]): string {
  const rest = names.length - MOST_LISTED;
  const first = names.slice(0, MOST_LISTED).join(', ');
  return rest > 0 ? `${first} and ${rest} more` : first;
}

/**
 * Checks the user's names of classes.
 * @param where The source of the names in an error.
 * @throws CallerError for fewer than two names, or two equal names.
 */
export function checkedClasses(names: readonly string[], where = '--labels'): readonly string[] {
  const trimmed = names.map((name) => name.trim());
  const isProper = names.length >= 2 && new Set(trimmed).size === names.length && !trimmed.includes('');
  if (isProper) return names;
  throw new CallerError({
    what: `the classes ${listNames(names.map((name) => `"${name}"`))}`,
    where,
    expected: 'at least two names, no two alike',
  });
}

/** The labels that occur, each with the location of its first row. @throws CallerError for an empty label. */
function locationsOfLabels(files: readonly DataFile[]): Map<string, string> {
  const locations = new Map<string, string>();
  for (const file of files) {
    for (const { label, number } of file.rows) {
      if (!locations.has(label!)) locations.set(label!, locationOf(file, number));
    }
  }
  if (!locations.has('')) return locations;
  throw new CallerError({
    what: 'an empty label',
    where: locations.get(''),
    expected: 'the name of a class',
  });
}

/** The class names for integer labels: the numbers up to the largest, or the names of SST-2's classes. */
function numberedClasses(locations: Map<string, string>, isGlue: boolean): readonly string[] {
  for (const [label, where] of locations) {
    if (WHOLE_NUMBER.test(label) && Number(label) < MOST_CLASSES) continue;
    throw new CallerError({
      what: `label "${label}" is not a class`,
      where,
      expected: `whole numbers from 0 to at most ${MOST_CLASSES - 1}, or names`,
    });
  }
  const largest = Math.max(...[...locations.keys()].map(Number));
  if (isGlue && largest <= 1) return GLUE_CLASSES;
  return Array.from({ length: largest + 1 }, (_, label) => `${label}`);
}

/** @throws CallerError where two labels differ only in case, or some are numbers and others names. */
function checkNames(locations: Map<string, string>): void {
  const labels = [...locations.keys()];
  const number = labels.find(isNumeric);
  if (number !== undefined) {
    const name = labels.find((label) => !isNumeric(label));
    throw new CallerError({
      what: `label "${number}" is a number, and label "${name}" (${locations.get(name!)}) is a name`,
      where: locations.get(number),
      expected: 'labels of one kind',
      remedy: 'name all classes with --labels if both are names',
    });
  }
  const seen = new Map<string, string>();
  for (const label of labels) {
    const folded = label.toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined) {
      throw new CallerError({
        what: `label "${label}" differs from "${other}" (${locations.get(other)}) only in case`,
        where: locations.get(label),
        expected: 'one spelling of a class',
        remedy: 'name all classes with --labels if they are two',
      });
    }
    seen.set(folded, label);
  }
}

/** The class names in the files' metadata, where all files have the same. */
function declaredClasses(files: readonly DataFile[]): readonly string[] | undefined {
  const [{ classNames: first }] = files;
  const asSet = (names: readonly string[] = []) => JSON.stringify([...names].sort());
  return first && files.every(({ classNames }) => classNames && asSet(classNames) === asSet(first))
    ? checkedClasses(first, `${files[0].file}, its "huggingface" metadata`)
    : undefined;
}

/**
 * The classes of labels: as the files declare them; else the numbers 0 to the largest, where all labels are numbers; else the
 * sorted labels. Classes 0 and 1 of TSV files are negative and positive, as in GLUE's SST-2.
 * @throws CallerError for invalid labels, a mixture of names and numbers, or a single class.
 */
export function classesOf(files: readonly DataFile[]): readonly string[] {
  const locations = locationsOfLabels(files);
  const labels = [...locations.keys()];
  const [{ file }] = files;
  if (labels.length < 2 || labels.length > MOST_CLASSES) {
    throw new CallerError({
      what: labels.length < 2 ? `1 class (every label is "${labels[0]}")` : `${labels.length} classes`,
      where: file,
      expected: `2 to ${MOST_CLASSES} different labels`,
      remedy: 'name their column with --label-column, or the classes with --labels',
    });
  }
  const declared = declaredClasses(files);
  if (declared) return declared;
  if (labels.every(isNumeric)) return numberedClasses(locations, files.every(isTsv));
  checkNames(locations);
  return labels.sort();
}

/** Whether all labels are integers, and no file names their classes. */
export function areNumbers(files: readonly DataFile[]): boolean {
  return files.every(
    ({ rows, classNames }) => !classNames && rows.every(({ label }) => WHOLE_NUMBER.test(label!)),
  );
}

/** Finds classes by name: an exact match or else the only match in any case. */
function byName(classes: readonly string[]): (label: string) => number | undefined {
  const folded = new Map<string, number | undefined>();
  classes.forEach((name, at) => {
    const key = name.trim().toLowerCase();
    folded.set(key, folded.has(key) ? undefined : at);
  });
  const exact = new Map(classes.map((name, at) => [name.trim(), at]));
  return (label) => exact.get(label) ?? folded.get(label.toLowerCase());
}

/** How labels match classes. */
interface Matching {
  /** The class of each label. */
  classOf: ReadonlyMap<string, number>;
  /** True where labels are class numbers, and the names of the classes do not contain them. */
  byNumber: boolean;
}

/**
 * Finds the class of each label: all labels are names of classes, or all are class numbers. Labels cannot be class numbers
 * where the name of a class is a number.
 * @param labels Each with its location.
 * @param numbers Whether they may be class numbers.
 * @throws CallerError where a label is not a class.
 */
function matched(
  labels: ReadonlyMap<string, string>,
  classes: readonly string[],
  numbers: boolean,
): Matching {
  const named = byName(classes);
  const classOf = new Map<string, number>();
  for (const label of labels.keys()) {
    const at = named(label);
    if (at !== undefined) classOf.set(label, at);
  }
  if (classOf.size === labels.size) return { classOf, byNumber: false };
  const mayBeNumbers = numbers && classOf.size === 0 && !classes.some(isNumeric);
  const wrong = [...labels.keys()].filter((label) => {
    if (!mayBeNumbers) return !classOf.has(label);
    return !WHOLE_NUMBER.test(label) || Number(label) >= classes.length;
  });
  if (wrong.length === 0) {
    return { classOf: new Map([...labels.keys()].map((label) => [label, Number(label)])), byNumber: true };
  }
  const [label] = wrong;
  const orNumbers = numbers && !classes.some(isNumeric);
  throw new CallerError({
    what: `label "${label}" is not a class`,
    where: labels.get(label),
    expected: `one of: ${listNames(classes)}${orNumbers ? `; or whole numbers from 0 to ${classes.length - 1} in every row` : ''}`,
  });
}

/** The examples of files, and whether their labels were class numbers. */
export interface MatchedExamples {
  examples: Example[];
  byNumber: boolean;
}

/**
 * The examples of files, with labels as class numbers.
 * @param numbers Whether the files' labels may be class numbers.
 * @throws CallerError with file and row where a label is not a class.
 */
export function examplesOf(
  files: readonly DataFile[],
  classes: readonly string[],
  numbers: boolean,
): MatchedExamples {
  const { classOf, byNumber } = matched(locationsOfLabels(files), classes, numbers);
  const examples = files.flatMap((file) =>
    file.rows.map(({ text, label, words }): Example => {
      const example: Example = { text, label: classOf.get(label!)! };
      if (words) example.words = words;
      return example;
    }),
  );
  const isGlue = files.every(isTsv) && classes.map((name) => name.toLowerCase()).join() === `${GLUE_CLASSES}`;
  return { examples, byNumber: byNumber && !isGlue };
}

/**
 * The source with other classes: each label becomes the class with the same name, in any case. Where no name matches, it
 * becomes the class with the same number.
 */
export function withClasses(source: DataSource, classes: readonly string[]): DataSource {
  const named = byName(classes);
  const isNamed = source.classes.some((name) => named(name) !== undefined);
  const labels = isNamed ? source.classes : source.classes.map((_, label) => `${label}`);
  const locations = new Map(labels.map((label) => [label, source.name]));
  const { classOf, byNumber } = matched(locations, classes, !isNamed);
  return {
    ...source,
    classes,
    byNumber,
    async examples(split) {
      const examples = await source.examples(split);
      return examples.map((example) => ({ ...example, label: classOf.get(labels[example.label])! }));
    },
  };
}
