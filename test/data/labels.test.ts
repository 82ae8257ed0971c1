import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataFile } from '../../src/data/data-rows.js';
import { checkedClasses, classesOf, classOf, examplesOf } from '../../src/data/labels.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';

function fileOf(labels: readonly string[], file = 'f.csv'): DataFile {
  return {
    file,
    counts: 'lines',
    rows: labels.map((label, index) => ({ number: index + 2, text: `text ${index}`, label })),
  };
}

describe('the classes of labels', () => {
  it('are their names, sorted, and each label is of the class that it names', () => {
    const anyName = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('0', '10', 'neutral', '-1', '😀'));
    fc.assert(
      fc.property(fc.array(anyName, { minLength: 1 }), fc.nat(), (others, cut) => {
        const labels = ['a name', 'another', ...others];
        const at = cut % labels.length;
        const files = [fileOf(labels.slice(0, at)), fileOf(labels.slice(at))];
        const classes = classesOf(files);
        expect(classes).toEqual([...new Set(labels)].sort());
        const examples = examplesOf(files, classes);
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

  it.each([
    [['0', '-1'], /^f\.csv:3: label "-1" is no class; expected whole numbers from 0/],
    [['0', '1.5'], /^f\.csv:3: label "1\.5" is no class/],
    [['0', '01'], /^f\.csv:3: label "01" is no class/],
    [['1', ' 0'], /^f\.csv:3: label " 0" is no class/],
    [['0', '123456789'], /^f\.csv:3: label "123456789" is no class; expected .* at most 999/],
    [['good', '', 'bad'], /^f\.csv:3: an empty label/],
    [['good', 'good'], /^f\.csv: 1 class \("good"\); expected 2 to 1000 different labels; .*--label-column/],
    [['0'], /^f\.csv: 1 class \("0"\)/],
    [Array.from({ length: 1001 }, (_, index) => `name ${index}`), /^f\.csv: 1001 classes; expected 2 to/],
  ])('are refused where labels are %j', (labels, says) => {
    expect(callerErrorOf(() => classesOf([fileOf(labels)])).message).toMatch(says);
  });

  it('may be named beforehand', () => {
    const classes = checkedClasses(['negative', 'neutral', '0']);
    const labels = ['0', '1', '2', 'negative', 'neutral'];
    expect(labels.map((label) => classOf(label, classes, 'f:2'))).toEqual([2, 1, 2, 0, 1]);
    for (const label of ['3', '-1', 'Negative', 'neutral ', '', '1.0', '1e0', '٣']) {
      expect(callerErrorOf(() => classOf(label, classes, 'f:2')).message).toBe(
        `f:2: label "${label}" is no class; expected one of: negative, neutral, 0; or a whole number from 0 to 2`,
      );
    }
  });

  it.each([[['one']], [['a', 'b', 'a']], [['a', '']]])('are refused as %j', (names) => {
    expect(callerErrorOf(() => checkedClasses(names)).message).toMatch(
      /^--labels: .*; expected at least two/,
    );
  });
});
