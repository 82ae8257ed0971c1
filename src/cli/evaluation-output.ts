import { escapeControls } from '../base/errors.js';
import type { Example } from '../data/dataset.js';
import type { Evaluation } from '../train/evaluation.js';
import type { Row } from './row-files.js';
import { print, printTable } from './terminal.js';

/** Classes of a confusion matrix that fits a terminal. */
const MOST_CLASSES = 20;

/** Errors that are printed; a file has all. */
const MOST_PRINTED = 20;

/** Precision, recall and F1 of each class, by its name. */
export function classRows(classes: readonly string[], { classScores }: Evaluation) {
  return classScores.map((scores, label) => ({ class: classes[label], ...scores }));
}

/**
 * The examples that were not predicted as their label, those with the largest loss first.
 * `row` counts from 1; `probability` is that of the label.
 */
export function errorRows(
  classes: readonly string[],
  examples: readonly Example[],
  { predicted, losses }: Evaluation,
): Row[] {
  const rows = examples.map(({ text, label }, at) => ({
    row: at + 1,
    label: classes[label],
    predicted: classes[predicted[at]],
    probability: Math.exp(-losses[at]),
    loss: losses[at],
    text,
  }));
  return rows.filter(({ label, predicted: wrong }) => label !== wrong).sort((a, b) => b.loss - a.loss);
}

/** Prints the confusion matrix, and the scores of each class. */
export function printClasses(classes: readonly string[], evaluation: Evaluation): void {
  const names = classes.map(escapeControls);
  print();
  if (classes.length <= MOST_CLASSES) {
    printTable(
      ['label, as predicted:', ...names],
      evaluation.confusion.map((counts, label) => [names[label], ...counts]),
    );
    print();
  }
  printTable(
    ['class', 'precision', 'recall', 'F1', 'rows'],
    classRows(names, evaluation).map(({ class: name, precision, recall, f1, rows }) => [
      name,
      ...[precision, recall, f1].map((score) => score.toFixed(4)),
      rows,
    ]),
  );
}

/** Prints the worst errors. */
export function printErrors(rows: readonly Row[]): void {
  print();
  print(`${rows.length} errors, those with the largest loss first`);
  const shown = rows.slice(0, MOST_PRINTED);
  if (shown.length === 0) return;
  printTable(
    ['row', 'label', 'predicted', 'probability of the label', 'text'],
    shown.map(({ row, label, predicted, probability, text }) => [
      Number(row),
      escapeControls(`${label}`),
      escapeControls(`${predicted}`),
      Number(probability).toFixed(4),
      escapeControls(`${text}`),
    ]),
  );
  const rest = rows.length - shown.length;
  if (rest > 0) print(`and ${rest} more: --errors errors.csv writes all`);
}
