/** The confusion matrix: how often each class was predicted for each label, row by label, column by prediction. */
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

/** For each class its rows, how often it was predicted, and how often rightly. */
export interface Totals {
  actual: readonly number[];
  predicted: readonly number[];
  right: readonly number[];
}

/** The totals of labels and predictions: of any number of classes, where a matrix of them would be too large. */
export function totalsOf(labels: ArrayLike<number>, guesses: ArrayLike<number>, classes: number): Totals {
  const [actual, predicted, right] = Array.from({ length: 3 }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < labels.length; row++) {
    actual[labels[row]]++;
    predicted[guesses[row]]++;
    if (labels[row] === guesses[row]) right[labels[row]]++;
  }
  return { actual, predicted, right };
}

/** The share of the rows that were predicted rightly. */
export function accuracy({ actual, right }: Totals): number {
  return sum(right) / sum(actual);
}

/** Precision, recall and F1 of one class against the others: scikit-learn's `precision_recall_fscore_support`. */
export interface ClassScores {
  /** The share of the rows predicted as the class that are of it; 0 where there are none. */
  precision: number;
  /** The share of the rows of the class that were predicted as it; 0 where there are none. */
  recall: number;
  /** The harmonic mean of both; 0 where no row was predicted rightly. */
  f1: number;
  /** Rows of the class. */
  rows: number;
}

/** The scores of each class. */
export function classScores({ actual, predicted, right }: Totals): ClassScores[] {
  const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return right.map((count, label) => ({
    precision: ratio(count, predicted[label]),
    recall: ratio(count, actual[label]),
    f1: ratio(2 * count, actual[label] + predicted[label]),
    rows: actual[label],
  }));
}

/**
 * The harmonic mean of precision and recall: of two classes, that of class 1; of more, the mean over all that occur among
 * labels or predictions ("macro"). A class that is never predicted rightly has 0.
 */
export function f1(totals: Totals): number {
  const { actual, predicted } = totals;
  const scores = classScores(totals).map((ofClass) => ofClass.f1);
  if (scores.length === 2) return scores[1];
  const occurring = scores.filter((_, label) => actual[label] + predicted[label] > 0);
  return sum(occurring) / occurring.length;
}

/**
 * Matthews' correlation of labels and predictions, for any number of classes (Gorodkin 2004): 1 where all are right, 0 as
 * by chance, and 0 where only one class occurs among the labels, or among the predictions.
 */
export function matthews({ actual, predicted, right }: Totals): number {
  const rows = sum(actual);
  const product = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * b[i]));
  const spread = (values: readonly number[]) => rows * rows - product(values, values);
  const norm = Math.sqrt(spread(actual) * spread(predicted));
  return norm === 0 ? 0 : (sum(right) * rows - product(actual, predicted)) / norm;
}
