import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracy, classScores, f1, matthews, totalsOf } from '../../src/train/metrics.js';
import { runs } from '../support/arbitraries.js';

function metricsOf(labels: number[], predicted: number[], classes: number) {
  const counts = totalsOf(labels, predicted, classes);
  return { accuracy: accuracy(counts), f1: f1(counts), matthews: matthews(counts) };
}

/** Labels and predictions with the given number of rows of each pair. */
function rows(pairs: [label: number, predicted: number, times: number][]): [number[], number[]] {
  const each = pairs.flatMap(([label, predicted, times]) => Array(times).fill([label, predicted]));
  return [each.map(([label]) => label), each.map(([, predicted]) => predicted)];
}

/** Pearson's correlation coefficient over all rows and classes, which Matthews' generalises. */
function correlation(labels: number[], predicted: number[], classes: number): number {
  const indicators = (values: number[]) =>
    values.map((value) => Array.from({ length: classes }, (_, label) => Number(label === value)));
  const centred = (table: number[][]) =>
    table.map((row) =>
      row.map(
        (value, column) => value - table.reduce((total, other) => total + other[column], 0) / table.length,
      ),
    );
  const [x, y] = [centred(indicators(labels)), centred(indicators(predicted))];
  const covariance = (a: number[][], b: number[][]) =>
    a.reduce(
      (total, row, i) => total + row.reduce((part, value, column) => part + value * b[i][column], 0),
      0,
    );
  return covariance(x, y) / Math.sqrt(covariance(x, x) * covariance(y, y));
}

describe('metrics of two classes', () => {
  it('are those computed by hand, for 6 true positives, 3 true negatives, 1 false positive, 2 false negatives', () => {
    const [labels, predicted] = rows([
      [1, 1, 6],
      [0, 0, 3],
      [0, 1, 1],
      [1, 0, 2],
    ]);
    const metrics = metricsOf(labels, predicted, 2);
    expect(metrics.accuracy).toBe(9 / 12);
    expect(classScores(totalsOf(labels, predicted, 2))).toEqual([
      { precision: 3 / 5, recall: 3 / 4, f1: 6 / 9, rows: 4 },
      { precision: 6 / 7, recall: 6 / 8, f1: 12 / 15, rows: 8 },
    ]);
    // Precision 6/7, recall 6/8.
    expect(metrics.f1).toBeCloseTo(0.8, 15);
    expect(metrics.matthews).toBeCloseTo((6 * 3 - 1 * 2) / Math.sqrt(7 * 8 * 4 * 5), 15);
  });

  it('are zeros for a class that is never predicted, and for one that never occurs', () => {
    expect(classScores(totalsOf([0, 1], [0, 0], 3)).slice(1)).toEqual([
      { precision: 0, recall: 0, f1: 0, rows: 1 },
      { precision: 0, recall: 0, f1: 0, rows: 0 },
    ]);
  });

  it('are 1 where all predictions are right, and least where all are wrong', () => {
    expect(metricsOf([0, 1, 1], [0, 1, 1], 2)).toEqual({ accuracy: 1, f1: 1, matthews: 1 });
    expect(metricsOf([0, 1], [1, 0], 2)).toEqual({ accuracy: 0, f1: 0, matthews: -1 });
  });

  it.each([
    ['one class is predicted', [0, 1, 1], [1, 1, 1], 0.8],
    ['class 1 is never predicted', [0, 1, 1], [0, 0, 0], 0],
    ['one class occurs', [1, 1], [1, 0], 2 / 3],
    ['only class 0 occurs, and is predicted', [0, 0], [0, 0], 0],
  ])('have a correlation of 0 where %s', (_, labels, predicted, expected) => {
    const metrics = metricsOf(labels, predicted, 2);
    expect(metrics.matthews).toBe(0);
    expect(metrics.f1).toBeCloseTo(expected, 15);
  });
});

describe('metrics of three classes', () => {
  it('are those computed by hand', () => {
    const [labels, predicted] = rows([
      [0, 0, 2],
      [0, 1, 1],
      [1, 1, 3],
      [2, 2, 1],
      [2, 0, 3],
    ]);
    const metrics = metricsOf(labels, predicted, 3);
    expect(metrics.accuracy).toBe(6 / 10);
    // 2·2 / (3 + 5), 2·3 / (3 + 4), 2·1 / (4 + 1)
    expect(metrics.f1).toBeCloseTo((1 / 2 + 6 / 7 + 2 / 5) / 3, 15);
    // (6·10 - (3·5 + 3·4 + 4·1)) / √((100 - 34) (100 - 42))
    expect(metrics.matthews).toBeCloseTo(29 / Math.sqrt(66 * 58), 15);
  });

  it('leave a class out of F1 that neither labels nor predictions have', () => {
    expect(metricsOf([0, 1, 1], [0, 1, 0], 3).f1).toBeCloseTo(2 / 3, 15);
    expect(metricsOf([0, 0], [0, 2], 3).f1, 'but not one that was predicted').toBeCloseTo(
      (2 / 3 + 0) / 2,
      15,
    );
  });
});

it("Matthews' correlation is that of the classes' indicators", () => {
  const anyCase = fc.integer({ min: 2, max: 5 }).chain((classes) => {
    const row = fc.tuple(fc.nat(classes - 1), fc.nat(classes - 1));
    return fc.tuple(fc.constant(classes), fc.array(row, { minLength: 2, maxLength: 40 }));
  });
  fc.assert(
    fc.property(anyCase, ([classes, pairs]) => {
      const labels = pairs.map(([label]) => label);
      const predicted = pairs.map(([, prediction]) => prediction);
      fc.pre(new Set(labels).size > 1 && new Set(predicted).size > 1);
      expect(metricsOf(labels, predicted, classes).matthews).toBeCloseTo(
        correlation(labels, predicted, classes),
        12,
      );
    }),
    runs(200),
  );
});
