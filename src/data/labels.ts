import { CallerError } from '../base/errors.js';
import type { DataFile } from './data-rows.js';
import type { DataSource, Example } from './dataset.js';
import { locationOf } from './table.js';

/** More are taken for a column that holds no classes. */
const MOST_CLASSES = 1_000;

/** Classes that a message lists. */
const MOST_LISTED = 20;

const WHOLE_NUMBER = /^(0|[1-9]\d*)$/;

/** What 0 and 1 are called in TSV files, which are laid out as GLUE's SST-2. */
const GLUE_CLASSES = ['negative', 'positive'];

function isNumeric(label: string): boolean {
  return label.trim() !== '' && Number.isFinite(Number(label));
}

function isTsv({ file }: DataFile): boolean {
  return file.toLowerCase().endsWith('.tsv');
}

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_LISTED;
  const first = names.slice(0, MOST_LISTED).join(', ');
  return rest > 0 ? `${first} and ${rest} more` : first;
}

/**
 * Names of classes that were given.
 * @param where What an error calls the place.
 * @throws CallerError where they are fewer than two, or two are the same.
 */
export function checkedClasses(names: readonly string[], where = '--labels'): readonly string[] {
  const trimmed = names.map((name) => name.trim());
  const isProper = names.length >= 2 && new Set(trimmed).size === names.length && !trimmed.includes('');
  if (isProper) return names;
  throw new CallerError({
    what: `the classes ${listed(names.map((name) => `"${name}"`))}`,
    where,
    expected: 'at least two names, no two alike',
  });
}

/** Each label that occurs, with the place of the first that is so. @throws CallerError where one is empty. */
function locationsOfLabels(files: readonly DataFile[]): Map<string, string> {
  const places = new Map<string, string>();
  for (const file of files) {
    for (const { label, number } of file.rows) {
      if (!places.has(label!)) places.set(label!, locationOf(file, number));
    }
  }
  if (!places.has('')) return places;
  throw new CallerError({ what: 'an empty label', where: places.get(''), expected: 'the name of a class' });
}

/** The numbers of classes up to the largest; those of SST-2 have names. */
function numberedClasses(places: Map<string, string>, isGlue: boolean): readonly string[] {
  for (const [label, where] of places) {
    if (WHOLE_NUMBER.test(label) && Number(label) < MOST_CLASSES) continue;
    throw new CallerError({
      what: `label "${label}" is not a class`,
      where,
      expected: `whole numbers from 0 to at most ${MOST_CLASSES - 1}, or names`,
    });
  }
  const largest = Math.max(...[...places.keys()].map(Number));
  if (isGlue && largest <= 1) return GLUE_CLASSES;
  return Array.from({ length: largest + 1 }, (_, label) => `${label}`);
}

/** @throws CallerError where two labels differ in nothing but their case, or numbers stand among names. */
function checkNames(places: Map<string, string>): void {
  const labels = [...places.keys()];
  const number = labels.find(isNumeric);
  if (number !== undefined) {
    const name = labels.find((label) => !isNumeric(label));
    throw new CallerError({
      what: `label "${number}" is a number, and label "${name}" (${places.get(name!)}) is a name`,
      where: places.get(number),
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
        what: `label "${label}" differs from "${other}" (${places.get(other)}) only in case`,
        where: places.get(label),
        expected: 'a class to be written in one way',
        remedy: 'name all classes with --labels if they are two',
      });
    }
    seen.set(folded, label);
  }
}

/** The names that files give to their labels' numbers, where all of them give the same. */
function declaredClasses(files: readonly DataFile[]): readonly string[] | undefined {
  const [{ classNames: first }] = files;
  const asSet = (names: readonly string[] = []) => JSON.stringify([...names].sort());
  return first && files.every(({ classNames }) => classNames && asSet(classNames) === asSet(first))
    ? checkedClasses(first, `${files[0].file}, its "huggingface" metadata`)
    : undefined;
}

/**
 * The classes that labels name: as the files declare them; else sorted; where all labels are numbers, 0 to the largest.
 * Classes 0 and 1 of TSV files are called negative and positive, as GLUE's SST-2 means them.
 * @throws CallerError where the labels are no classes, names and numbers, or there is only one.
 */
export function classesOf(files: readonly DataFile[]): readonly string[] {
  const places = locationsOfLabels(files);
  const labels = [...places.keys()];
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
  if (labels.every(isNumeric)) return numberedClasses(places, files.every(isTsv));
  checkNames(places);
  return labels.sort();
}

/** Whether labels are the numbers of their classes, where no file says what these stand for. */
export function areNumbers(files: readonly DataFile[]): boolean {
  return files.every(
    ({ rows, classNames }) => !classNames && rows.every(({ label }) => WHOLE_NUMBER.test(label!)),
  );
}

/** The classes by their names: as they are written or, where only one is so, in other case. */
function byName(classes: readonly string[]): (label: string) => number | undefined {
  const folded = new Map<string, number | undefined>();
  classes.forEach((name, at) => {
    const key = name.trim().toLowerCase();
    folded.set(key, folded.has(key) ? undefined : at);
  });
  const exact = new Map(classes.map((name, at) => [name.trim(), at]));
  return (label) => exact.get(label) ?? folded.get(label.toLowerCase());
}

/** How labels name classes. */
interface Matching {
  /** The class of each label. */
  classOf: ReadonlyMap<string, number>;
  /** True where labels are numbers, and the classes have names that do not tell which number each is. */
  byNumber: boolean;
}

/**
 * Finds the class of each label: all labels are names of classes, or all are their numbers. Numbers are no names' numbers where
 * a class is called by a number itself.
 * @param labels With the place of each.
 * @param numbers Whether they may be numbers.
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
    expected: `one of: ${listed(classes)}${orNumbers ? `; or whole numbers from 0 to ${classes.length - 1} in every row` : ''}`,
  });
}

/** The examples of files, and whether their labels were the numbers of classes with other names. */
export interface MatchedExamples {
  examples: Example[];
  byNumber: boolean;
}

/**
 * The examples of files, by the classes' numbers.
 * @param numbers Whether labels may be the numbers of classes that have names.
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
 * A source whose labels count into other classes: each is the class of the same name, in whatever case; where no class has a
 * name of the source's, the one of the same number.
 */
export function withClasses(source: DataSource, classes: readonly string[]): DataSource {
  const named = byName(classes);
  const isNamed = source.classes.some((name) => named(name) !== undefined);
  const labels = isNamed ? source.classes : source.classes.map((_, label) => `${label}`);
  const places = new Map(labels.map((label) => [label, source.name]));
  const { classOf, byNumber } = matched(places, classes, !isNamed);
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
