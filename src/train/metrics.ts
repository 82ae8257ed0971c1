/** How often each class was predicted where each was right: row by label, column by prediction. */
export function confusion(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < labels.length; row++) counts[labels[row]][predicted[row]]++;
  return counts;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** How often each class was right, and how often it was predicted. */
function totals(counts: readonly number[][]): { actual: number[]; predicted: number[] } {
  return {
    actual: counts.map(sum),
    predicted: counts.map((_, column) => sum(counts.map((row) => row[column]))),
  };
}

/** The share of the rows that were predicted rightly. */
export function accuracy(counts: readonly number[][]): number {
  return sum(counts.map((row, label) => row[label])) / sum(counts.flat());
}

/** How well one class is told from the others: scikit-learn's `precision_recall_fscore_support`. */
export interface ClassScores {
  /** Of the rows that were predicted as the class, the share that are of it; 0 where there are none. */
  precision: number;
  /** Of the rows of the class, the share that were predicted as it; 0 where there are none. */
  recall: number;
  /** The harmonic mean of both; 0 where no row was predicted rightly. */
  f1: number;
  /** Rows of the class. */
  rows: number;
}

/** The scores of each class. */
export function classScores(counts: readonly number[][]): ClassScores[] {
  const { actual, predicted } = totals(counts);
  const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return counts.map((row, label) => ({
    precision: ratio(row[label], predicted[label]),
    recall: ratio(row[label], actual[label]),
    f1: ratio(2 * row[label], actual[label] + predicted[label]),
    rows: actual[label],
  }));
}

/**
 * The harmonic mean of precision and recall: of two classes, that of class 1; of more, the mean over all that occur among
 * labels or predictions ("macro"). A class that is never predicted rightly has 0.
 */
export function f1(counts: readonly number[][]): number {
  const { actual, predicted } = totals(counts);
  const scores = classScores(counts).map((ofClass) => ofClass.f1);
  if (counts.length === 2) return scores[1];
  const occurring = scores.filter((_, label) => actual[label] + predicted[label] > 0);
  return sum(occurring) / occurring.length;
}

/**
 * Matthews' correlation of labels and predictions, for any number of classes (Gorodkin 2004): 1 where all are right, 0 as
 * by chance, and 0 where only one class occurs among the labels, or among the predictions.
 */
export function matthews(counts: readonly number[][]): number {
  const { actual, predicted } = totals(counts);
  const rows = sum(actual);
  const right = sum(counts.map((row, label) => row[label]));
  const product = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * b[i]));
  const spread = (values: readonly number[]) => rows * rows - product(values, values);
  const norm = Math.sqrt(spread(actual) * spread(predicted));
  return norm === 0 ? 0 : (right * rows - product(actual, predicted)) / norm;
}
