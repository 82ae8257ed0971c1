import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataFile } from '../../src/data/data-rows.js';
import { checkedClasses, classesOf, examplesOf } from '../../src/data/labels.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';

function fileOf(labels: readonly string[], file = 'f.csv'): DataFile {
  return {
    file,
    counts: 'lines',
    rows: labels.map((label, index) => ({ number: index + 2, text: `text ${index}`, label })),
  };
}

/** Names of classes: no number, and no two that differ only in case. */
const anyName = fc
  .oneof(fc.string({ minLength: 1 }), fc.constantFrom('neutral', '😀', 'Sehr gut'))
  .map((name) => name.trim())
  .filter((name) => name !== '' && !Number.isFinite(Number(name)));

describe('the classes of labels', () => {
  it('are their names, sorted, and each label has the class that it names', () => {
    const anyNames = fc.uniqueArray(anyName, { minLength: 2, selector: (name) => name.toLowerCase() });
    fc.assert(
      fc.property(anyNames, fc.nat(), fc.nat(), (names, repeated, cut) => {
        const labels = [...names, names[repeated % names.length]];
        const at = cut % labels.length;
        const files = [fileOf(labels.slice(0, at)), fileOf(labels.slice(at))];
        const classes = classesOf(files);
        expect(classes).toEqual([...names].sort());
        const { examples, byNumber } = examplesOf(files, classes, false);
        expect(byNumber).toBe(false);
        expect(examples.map(({ label }) => classes[label])).toEqual(labels);
        expect(examples.map(({ text }) => text)).toEqual(
          files.flatMap(({ rows }) => rows.map(({ text }) => text)),
        );
      }),
      runs(300),
    );
  });

  it('are all numbers up to the largest', () => {
    expect(classesOf([fileOf(['10', '2', '2'])])).toEqual(
      Array.from({ length: 11 }, (_, label) => `${label}`),
    );
    expect(classesOf([fileOf(['1', '0'])])).toEqual(['0', '1']);
    expect(classesOf([fileOf(['0', '1'], 'dev.tsv')])).toEqual(['negative', 'positive']);
    expect(classesOf([fileOf(['0', '2'], 'dev.tsv')])).toEqual(['0', '1', '2']);
  });

  it('are those that files declare, in their order, where all declare the same', () => {
    const one = { ...fileOf(['b', 'a']), classNames: ['b', 'c', 'a'] };
    const reordered = { ...fileOf(['a', 'c']), classNames: ['a', 'b', 'c'] };
    expect(classesOf([one, reordered])).toEqual(['b', 'c', 'a']);
    expect(classesOf([one, fileOf(['d'])])).toEqual(['a', 'b', 'd']);
    const doubled = { ...one, classNames: ['b', 'a', 'b'] };
    expect(callerErrorOf(() => classesOf([doubled])).message).toMatch(
      /^f\.csv, its "huggingface" metadata: the classes "b", "a", "b"; expected at least two names/,
    );
  });

  it.each([
    [['0', '-1'], /^f\.csv:3: label "-1" is not a class; expected whole numbers from 0/],
    [['0', '1.5'], /^f\.csv:3: label "1\.5" is not a class/],
    [['0', '01'], /^f\.csv:3: label "01" is not a class/],
    [['0', '1.0'], /^f\.csv:3: label "1\.0" is not a class/],
    [['0', '123456789'], /^f\.csv:3: label "123456789" is not a class; expected .* at most 999/],
    [['good', '', 'bad'], /^f\.csv:3: an empty label/],
    [['good', '1', 'bad'], /^f\.csv:3: label "1" is a number, and label "good" \(f\.csv:2\) is a name; exp/],
    [['good', 'bad', 'Bad'], /^f\.csv:4: label "Bad" differs from "bad" \(f\.csv:3\) only in case/],
    [['good', 'good'], /^f\.csv: 1 class \(every label is "good"\); expected 2 to 1000 different labels; /],
    [['1', '1'], /^f\.csv: 1 class \(every label is "1"\); .*--label-column/],
    [Array.from({ length: 1001 }, (_, index) => `name ${index}`), /^f\.csv: 1001 classes; expected 2 to/],
  ])('are refused where labels are %j', (labels, says) => {
    expect(callerErrorOf(() => classesOf([fileOf(labels)])).message).toMatch(says);
  });

  it.each([[['one']], [['a', 'b', 'a']], [['a', '']], [['a', 'a ']]])('are refused as %j', (names) => {
    expect(callerErrorOf(() => checkedClasses(names)).message).toMatch(
      /^--labels: .*; expected at least two/,
    );
  });
});

describe('labels of classes that were named before', () => {
  const classes = ['NEGATIVE', 'neutral', 'POSITIVE'];
  const labelled = (labels: readonly string[], numbers = true, file?: string) => {
    const { examples, byNumber } = examplesOf([fileOf(labels, file)], classes, numbers);
    return { labels: examples.map(({ label }) => label), byNumber };
  };
  const refused = (labels: readonly string[], names: readonly string[] = classes, numbers = true) =>
    callerErrorOf(() => examplesOf([fileOf(labels)], names, numbers)).message;

  it('are their names, in any case where only one class has the name', () => {
    expect(labelled(['Negative', 'positive', 'neutral'])).toEqual({ labels: [0, 2, 1], byNumber: false });
    const twice = ['a', 'A', 'b'];
    expect(examplesOf([fileOf(['A', 'a', 'B'])], twice, true).examples.map(({ label }) => label)).toEqual([
      1, 0, 2,
    ]);
  });

  it('may all be class numbers, which is reported', () => {
    expect(labelled(['2', '0', '1'])).toEqual({ labels: [2, 0, 1], byNumber: true });
    const glue = examplesOf([fileOf(['1', '0'], 'dev.tsv')], ['NEGATIVE', 'POSITIVE'], true);
    expect(glue.byNumber, 'what 0 and 1 mean in files of GLUE').toBe(false);
    expect(examplesOf([fileOf(['1', '0'], 'dev.tsv')], ['POSITIVE', 'NEGATIVE'], true).byNumber).toBe(true);
  });

  it.each([
    [
      ['0', 'neutral'],
      /^f\.csv:2: label "0" is not a class; expected one of: NEGATIVE, neutral, POSITIVE; or wh/,
    ],
    [['0', '3'], /^f\.csv:3: label "3" is not a class; .*or whole numbers from 0 to 2 in every row$/],
    [['neutral', '1.0'], /^f\.csv:3: label "1\.0" is not a class/],
    [['0', '٣'], /^f\.csv:3: label "٣" is not a class/],
    [['awful'], /^f\.csv:2: label "awful" is not a class/],
    [['neutral', ''], /^f\.csv:3: an empty label/],
  ])('are refused as %j', (labels, says) => expect(refused(labels)).toMatch(says));

  it('are not class numbers where names are numbers, or where labels were read as names', () => {
    expect(refused(['1', '0'], ['1', '2', '3'])).toMatch(/^f\.csv:3: label "0" is not a class; .* 1, 2, 3$/);
    expect(refused(['0', '0'], ['1', '2', '3'])).toMatch(/^f\.csv:2: label "0" is not a class/);
    expect(refused(['1', '0'], classes, false)).toMatch(
      /^f\.csv:2: label "1" .*: NEGATIVE, neutral, POSITIVE$/,
    );
  });
});
