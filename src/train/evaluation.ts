import { EngineError } from '../base/errors.js';
import type { TokenizedExamples } from '../data/dataset.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';
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
  /** Cross-entropy of each row. */
  losses: number[];
  /** How often each class was predicted for each label: row by label, column by prediction. */
  confusion: number[][];
  /** Precision, recall and F1 of each class. */
  classScores: metrics.ClassScores[];
  /** Rows that were cut to the maximum length of the model. */
  cut: number;
}

/** Sentences and tokens of a batch; logits do not depend on them. */
const INFERENCE_BATCH = { sentences: 64, tokens: 16_384 };

/** Splits sentences, in their order, into batches for inference: each of one sentence or more, up to the limits. */
export function inferenceBatches(sentences: readonly TaggedTokens[]): TaggedTokens[][] {
  const batches: TaggedTokens[][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  for (const sentence of sentences) {
    tokens += sentence.ids.length;
    const batch = batches.at(-1);
    if (batch && tokens <= INFERENCE_BATCH.tokens && batch.length < INFERENCE_BATCH.sentences) {
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

/**
 * Checks that logits are finite.
 * @param first The number of the first text, from 1.
 * @param where What errors name as the source.
 * @throws EngineError where a logit is NaN or infinite.
 */
export function checkedLogits(logits: Float32Array[], first = 1, where?: string): Float32Array[] {
  const bad = logits.findIndex((row) => !row.every(Number.isFinite));
  if (bad < 0) return logits;
  throw new EngineError({
    what: `the logits of text ${first + bad} are not finite (${Array.from(logits[bad]).join(', ')})`,
    where,
    expected: 'finite numbers',
    remedy: 'the weights are too large or damaged: train with a lower --learning-rate, or take other weights',
  });
}

/**
 * The logits of every sentence, in order.
 * @throws EngineError where some are not finite; what the signal gives as its reason, once it is aborted.
 */
export async function logitsOf(
  classifier: Classifier,
  planner: Planner,
  sentences: readonly TaggedTokens[],
  where?: string,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  for (const group of inferenceBatches(sentences)) {
    signal?.throwIfAborted();
    const read = await classifier.logits(makeBatch(group, planner.layout(group)));
    logits.push(...checkedLogits(read, logits.length + 1, where));
  }
  return logits;
}

/** -log softmax(logits)[label], in float64: finite even where the probability underflows. */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  const values = Array.from(logits);
  const largest = Math.max(...values);
  return (
    Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0)) + largest - values[label]
  );
}

/**
 * Evaluates a model on labelled examples.
 * @param where What errors name as the source.
 * @throws EngineError where the model's logits are not finite; what the signal gives as its reason, once it is aborted.
 */
export async function evaluate(
  classifier: Classifier,
  planner: Planner,
  data: TokenizedExamples,
  where?: string,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const logits = await logitsOf(classifier, planner, data.sentences, where, signal);
  const predicted = logits.map(mostProbable);
  const counts = metrics.confusion(data.labels, predicted, classifier.config.classes);
  const losses = logits.map((row, index) => crossEntropy(row, data.labels[index]));
  const rows = logits.length;
  const cut = data.sentences.filter(({ isCut }) => isCut).length;
  return {
    rows,
    accuracy: metrics.accuracy(counts),
    f1: metrics.f1(counts),
    matthews: metrics.matthews(counts),
    loss: losses.reduce((sum, loss) => sum + loss, 0) / rows,
    predicted,
    losses,
    confusion: counts,
    classScores: metrics.classScores(counts),
    cut,
  };
}
