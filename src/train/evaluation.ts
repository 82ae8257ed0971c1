import { EngineError } from '../base/errors.js';
import type { Tag } from '../grammar/rules.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';
import { makeBatch } from '../nn/batch.js';
import type { Classifier } from '../nn/classifier.js';
import { outputsOf } from '../nn/model-config.js';
import * as metrics from './metrics.js';
import type { Planner } from './planner.js';
import type { TaskExamples } from './task-examples.js';

/** How well a model does on some examples. */
export interface Evaluation {
  /** Texts, or labelled tokens. */
  rows: number;
  /** Share of the rows whose most probable class is the label, from 0 to 1. */
  accuracy: number;
  /** Harmonic mean of precision and recall: of class 1 where there are two, else the mean over the classes. */
  f1: number;
  /** Matthews' correlation of labels and predictions, from -1 to 1. */
  matthews: number;
  /** Mean cross-entropy over the rows, with the natural logarithm. */
  loss: number;
  /** [rows], the most probable class of each; for a task about tokens, 1 where it is the label, else 0. */
  predicted: number[];
  /** [rows], the cross-entropy of each. */
  losses: number[];
  /** The mean loss by the tag of the token, for a task about tokens. */
  lossByTag?: Record<string, TagLoss>;
  /** How often each class was predicted for each label: row by label, column by prediction. Empty for a task about tokens. */
  confusion: number[][];
  /** Precision, recall and F1 of each class, by label; empty for a task about tokens. */
  classScores: metrics.ClassScores[];
  /** Texts that were cut to the maximum length of the model. */
  cut: number;
}

/** Sentences and tokens of a batch; logits do not depend on them. */
const INFERENCE_BATCH = { sentences: 64, tokens: 16_384 };

/**
 * Splits sentences, in their order, into batches for inference: each of one sentence or more, up to the limits.
 * @param mostTokens A limit of tokens below the usual one.
 */
export function inferenceBatches(
  sentences: readonly TaggedTokens[],
  mostTokens = INFERENCE_BATCH.tokens,
): TaggedTokens[][] {
  const limit = Math.min(mostTokens, INFERENCE_BATCH.tokens);
  const batches: TaggedTokens[][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  for (const sentence of sentences) {
    tokens += sentence.ids.length;
    const batch = batches.at(-1);
    if (batch && tokens <= limit && batch.length < INFERENCE_BATCH.sentences) {
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

function shortList(values: Float32Array): string {
  const most = 8;
  return `${Array.from(values.subarray(0, most)).join(', ')}${values.length > most ? ' …' : ''}`;
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
    what: `the logits of text ${first + bad} are not finite (${shortList(logits[bad])})`,
    where,
    expected: 'finite numbers',
    remedy: 'the weights are too large or damaged: train with a lower --learning-rate, or take other weights',
  });
}

/**
 * The logits of every sentence, in order.
 * @throws EngineError where some are not finite.
 */
export async function logitsOf(
  classifier: Classifier,
  planner: Planner,
  sentences: readonly TaggedTokens[],
): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  for (const group of inferenceBatches(sentences)) {
    const read = await classifier.logits(makeBatch(group, planner.layout(group)));
    logits.push(...checkedLogits(read, logits.length + 1));
  }
  return logits;
}

/** -log softmax(logits)[label], in float64: finite even where the probability underflows. */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  // A loop: masked tokens have as many logits as a vocabulary has tokens.
  const largest = logits[mostProbable(logits)];
  let sum = 0;
  for (let each = 0; each < logits.length; each++) sum += Math.exp(logits[each] - largest);
  return Math.log(sum) + largest - logits[label];
}

/** The most logits in a batch of an evaluation. */
const MOST_LOGITS = 2 ** 24;

/** The mean loss at the tokens of a tag. */
export interface TagLoss {
  /** Labelled tokens with the tag. */
  rows: number;
  /** Their mean cross-entropy. */
  loss: number;
}

/**
 * Evaluates a model on labelled examples.
 * @param where What errors name as the source.
 * @throws EngineError where the model's logits are not finite; what the signal gives as its reason, once it is aborted.
 */
export async function evaluate(
  classifier: Classifier,
  tags: readonly Tag[],
  data: TaskExamples,
  where?: string,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const classes = outputsOf(classifier.config);
  const [labels, guesses, losses, rowTags]: number[][] = [[], [], [], []];
  let start = 0;
  for (const group of inferenceBatches(data.sentences, MOST_LOGITS / classes)) {
    signal?.throwIfAborted();
    const { batch, ...rows } = data.batchOf(group.map((_, index) => start + index));
    const logits = checkedLogits(await classifier.logits(batch), start + 1, where);
    logits.forEach((row, index) => {
      guesses.push(mostProbable(row));
      losses.push(crossEntropy(row, rows.labels[index]));
    });
    labels.push(...rows.labels);
    rowTags.push(...rows.tags);
    start += group.length;
  }
  const totals = metrics.totalsOf(labels, guesses, classes);
  const isOfTexts = data.task === 'classification';
  return {
    rows: labels.length,
    accuracy: metrics.accuracy(totals),
    f1: metrics.f1(totals),
    matthews: metrics.matthews(totals),
    loss: losses.reduce((sum, loss) => sum + loss, 0) / labels.length,
    predicted: isOfTexts ? guesses : guesses.map((guess, row) => Number(guess === labels[row])),
    losses,
    confusion: isOfTexts ? metrics.confusion(labels, guesses, classes) : [],
    classScores: isOfTexts ? metrics.classScores(totals) : [],
    ...(!isOfTexts && { lossByTag: lossByTag(tags, rowTags, losses) }),
    cut: data.sentences.filter(({ isCut }) => isCut).length,
  };
}

function lossByTag(
  tags: readonly Tag[],
  rowTags: readonly number[],
  losses: readonly number[],
): Record<string, TagLoss> {
  const sums = new Map<string, TagLoss>();
  rowTags.forEach((tag, row) => {
    const name = `${tags[tag]}`;
    const { rows, loss } = sums.get(name) ?? { rows: 0, loss: 0 };
    sums.set(name, { rows: rows + 1, loss: loss + losses[row] });
  });
  const means = [...sums].map(([name, { rows, loss }]) => [name, { rows, loss: loss / rows }] as const);
  return Object.fromEntries(means.sort(([, a], [, b]) => b.rows - a.rows));
}
