import type { EncodedData } from '../data/encoded-data.js';
import type { EncodedSentence } from '../grammar/tagged-pieces.js';
import { makeBatch } from '../nn/batch.js';
import type { Classifier } from '../nn/classifier.js';
import * as metrics from './metrics.js';
import type { Planner } from './planner.js';

/** How well a model does on some examples. */
export interface Evaluation {
  rows: number;
  /** Share of the rows whose most probable class is the label. */
  accuracy: number;
  /** Harmonic mean of precision and recall: of class 1 where there are two, else the mean over the classes. */
  f1: number;
  /** Matthews' correlation of labels and predictions. */
  matthews: number;
  /** Mean cross-entropy. */
  loss: number;
  /** The most probable class of each row. */
  predicted: number[];
  /** Rows that were longer than the model's sentences may be: only their beginning was read. */
  cut: number;
}

/** Sentences read at once, and tokens where these are long; logits do not depend on it. */
const READING_BATCH = { sentences: 64, tokens: 16_384 };

/** Sentences in their order, in groups that are read at once: at least one, and as many as the limits let in. */
export function readingBatches(sentences: readonly EncodedSentence[]): EncodedSentence[][] {
  const batches: EncodedSentence[][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  for (const sentence of sentences) {
    tokens += sentence.ids.length;
    const batch = batches.at(-1);
    if (batch && tokens <= READING_BATCH.tokens && batch.length < READING_BATCH.sentences) {
      batch.push(sentence);
      continue;
    }
    batches.push([sentence]);
    tokens = sentence.ids.length;
  }
  return batches;
}

/** exp(logit) over their sum, in float64. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const largest = Math.max(...values);
  const exps = values.map((value) => Math.exp(value - largest));
  const sum = exps.reduce((total, value) => total + value, 0);
  return exps.map((value) => value / sum);
}

/** The class with the largest logit; the first of equals. */
export function mostProbable(logits: ArrayLike<number>): number {
  let best = 0;
  for (let label = 1; label < logits.length; label++) if (logits[label] > logits[best]) best = label;
  return best;
}

/** The logits of every sentence, in order. */
export async function logitsOf(
  classifier: Classifier,
  planner: Planner,
  sentences: readonly EncodedSentence[],
): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  for (const group of readingBatches(sentences)) {
    logits.push(...(await classifier.logits(makeBatch(group, planner.plan(group)))));
  }
  return logits;
}

/** Evaluates a model on labelled examples. */
export async function evaluate(
  classifier: Classifier,
  planner: Planner,
  data: EncodedData,
): Promise<Evaluation> {
  const logits = await logitsOf(classifier, planner, data.sentences);
  const predicted = logits.map(mostProbable);
  const counts = metrics.confusion(data.labels, predicted, classifier.config.classes);
  let loss = 0;
  logits.forEach((row, index) => {
    const label = data.labels[index];
    loss -= Math.log(Math.max(softmax(row)[label], Number.MIN_VALUE));
  });
  const rows = logits.length;
  const cut = data.cut.filter((isCut) => isCut).length;
  return {
    rows,
    accuracy: metrics.accuracy(counts),
    f1: metrics.f1(counts),
    matthews: metrics.matthews(counts),
    loss: loss / rows,
    predicted,
    cut,
  };
}
