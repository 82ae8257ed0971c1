import { CallerError } from '../gpu/errors.js';
import type { DataFile } from './data-rows.js';
import type { DataSource, Example } from './dataset.js';
import { placeOf } from './tables.js';

/** More are taken for a column that holds no classes. */
const MOST_CLASSES = 1_000;

const WHOLE_NUMBER = /^(0|[1-9]\d*)$/;

function isNumeric(label: string): boolean {
  return label.trim() !== '' && Number.isFinite(Number(label));
}

/** Names of classes that were given. @throws CallerError where they are fewer than two, or two are the same. */
export function checkedClasses(names: readonly string[]): readonly string[] {
  const isProper = names.length >= 2 && new Set(names).size === names.length && !names.includes('');
  if (isProper) return names;
  throw new CallerError({
    what: `the classes ${names.map((name) => `"${name}"`).join(', ')}`,
    where: '--labels',
    expected: 'at least two names, no two alike',
  });
}

/** Each label that occurs, with the place of the first that is so. */
function placesOfLabels(files: readonly DataFile[]): Map<string, string> {
  const places = new Map<string, string>();
  for (const file of files) {
    for (const { label, number } of file.rows) {
      if (!places.has(label!)) places.set(label!, placeOf(file, number));
    }
  }
  return places;
}

/** The numbers of classes up to the largest; those of SST-2 have names. */
function numberedClasses(places: Map<string, string>, isGlue: boolean): string[] {
  for (const [label, where] of places) {
    if (WHOLE_NUMBER.test(label) && Number(label) < MOST_CLASSES) continue;
    throw new CallerError({
      what: `label "${label}" is no class`,
      where,
      expected: `whole numbers from 0 to at most ${MOST_CLASSES - 1}, or names`,
    });
  }
  const largest = Math.max(...[...places.keys()].map(Number));
  if (isGlue && largest <= 1) return ['negative', 'positive'];
  return Array.from({ length: largest + 1 }, (_, label) => `${label}`);
}

/**
 * The classes that labels name, sorted; where all labels are numbers, 0 to the largest. Classes 0 and 1 of TSV files are
 * called negative and positive, as GLUE's SST-2 means them.
 * @throws CallerError where the labels are no classes, or there is only one.
 */
export function classesOf(files: readonly DataFile[]): readonly string[] {
  const places = placesOfLabels(files);
  const labels = [...places.keys()];
  const [{ file }] = files;
  const classes = labels.every(isNumeric)
    ? numberedClasses(places, file.toLowerCase().endsWith('.tsv'))
    : labels.sort();
  if (places.has('')) {
    throw new CallerError({ what: 'an empty label', where: places.get(''), expected: 'the name of a class' });
  }
  if (classes.length >= 2 && classes.length <= MOST_CLASSES) return classes;
  throw new CallerError({
    what: `${classes.length} ${classes.length === 1 ? `class ("${classes[0]}")` : 'classes'}`,
    where: file,
    expected: `2 to ${MOST_CLASSES} different labels`,
    remedy: 'name their column with --label-column, or the classes with --labels',
  });
}

/** The class of a label: the one that it names, or that has its number. @throws CallerError where there is none. */
export function classOf(label: string, classes: readonly string[], where: string): number {
  const named = classes.indexOf(label);
  if (named >= 0) return named;
  if (WHOLE_NUMBER.test(label) && Number(label) < classes.length) return Number(label);
  throw new CallerError({
    what: `label "${label}" is no class`,
    where,
    expected: `one of: ${classes.join(', ')}; or a whole number from 0 to ${classes.length - 1}`,
  });
}

/** The examples of files, by the classes' numbers. @throws CallerError with file and row where a label is no class. */
export function examplesOf(files: readonly DataFile[], classes: readonly string[]): Example[] {
  return files.flatMap((file) =>
    file.rows.map(({ text, label, words, number }): Example => {
      const example: Example = { text, label: classOf(label!, classes, placeOf(file, number)) };
      if (words) example.words = words;
      return example;
    }),
  );
}

/**
 * A source whose labels count into other classes: each is the class of the same name, in whatever case; where no class has a
 * name of the source's, the one of the same number.
 */
export function relabelled(source: DataSource, classes: readonly string[]): DataSource {
  const ours = classes.map((name) => name.toLowerCase());
  const named = source.classes.map((name) => classes[ours.indexOf(name.toLowerCase())]);
  const labels = named.some((name) => name !== undefined)
    ? source.classes.map((name, label) => named[label] ?? name)
    : source.classes.map((_, label) => `${label}`);
  const classOfLabel = labels.map((label) => classOf(label, classes, source.name));
  return {
    ...source,
    classes,
    async examples(split) {
      const examples = await source.examples(split);
      return examples.map((example) => ({ ...example, label: classOfLabel[example.label] }));
    },
  };
}
