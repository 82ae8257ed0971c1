import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import {
  fields,
  finite,
  listOf,
  notNegative,
  orNaN,
  positiveWhole,
  recordOf,
  share,
  whole,
} from '../base/json-schemas.js';
import { checkedJson } from '../base/json-text.js';
import { readBytesOf } from '../data/files.js';
import type { EpochMetrics, EvaluationMetrics } from './trainer.js';

/** NaN where a run has diverged. */
const loss = orNaN(finite);

/** NaN where no time has passed. */
const speed = orNaN(notNegative);

const predicted = v.pipe(
  v.union(
    [v.pipe(v.string(), v.regex(/^\d*$/)), v.array(whole)],
    'the classes of the rows, a digit each or a list',
  ),
  v.transform((classes) => Array.from(classes, Number)),
);

/** The fields of an `EvaluationResult`. */
export const evaluationFields = {
  epoch: positiveWhole,
  step: positiveWhole,
  loss,
  accuracy: share,
  f1: finite,
  matthews: finite,
};

const LINE = v.variant(
  'kind',
  [
    v.looseObject({
      kind: v.literal('steps'),
      step: positiveWhole,
      loss,
      rate: notNegative,
      tokensPerSecond: speed,
    }),
    v.looseObject({
      kind: v.literal('evaluation'),
      ...evaluationFields,
      predicted,
      lossByTag: v.optional(recordOf(fields({ rows: positiveWhole, loss }))),
    }),
    v.looseObject({
      kind: v.literal('epoch'),
      epoch: positiveWhole,
      step: positiveWhole,
      devLoss: loss,
      devAccuracy: share,
      devF1: finite,
      devMatthews: finite,
      devPredicted: listOf(whole),
      trainLoss: loss,
      seconds: notNegative,
      tokensPerSecond: speed,
    }),
  ],
  'steps, evaluation or epoch',
);

/** What a line of a run's metrics is expected to be, and what to do where it is not. */
const ABOUT = {
  expected: 'the metrics that `parsimony train` wrote there',
  remedy: 'restore the line, or start the run again',
};

/** The metrics of a run. */
export interface RunMetrics {
  evaluations: EvaluationMetrics[];
  epochs: EpochMetrics[];
  /** Mean training losses over the steps since the report before. */
  losses: { step: number; loss: number }[];
}

/** @throws CallerError where an evaluation does not follow the one before it, or has other rows. */
function checkNext(metrics: EvaluationMetrics, before: EvaluationMetrics | undefined, where: string): void {
  if (!before) return;
  const rows = metrics.devPredicted.length;
  if (metrics.step <= before.step) {
    throw new CallerError({ what: `step ${metrics.step} after step ${before.step}`, where, ...ABOUT });
  }
  if (rows !== before.devPredicted.length) {
    const what = `the classes of ${rows} rows, after those of ${before.devPredicted.length}`;
    throw new CallerError({ what, where, ...ABOUT });
  }
}

/**
 * The metrics in the first `bytes` bytes of a file.
 * @throws CallerError where it cannot be read, or a line is not one of a run's metrics.
 */
export async function readMetrics(path: string, bytes = Number.POSITIVE_INFINITY): Promise<RunMetrics> {
  return parseMetrics((await readBytesOf(path)).subarray(0, bytes), path);
}

/**
 * The metrics that a file holds.
 * @param path What errors call it.
 * @throws CallerError where a line is not one of a run's metrics.
 */
export function parseMetrics(content: Uint8Array, path: string): RunMetrics {
  const text = new TextDecoder().decode(content);
  const evaluations: EvaluationMetrics[] = [];
  const epochs: EpochMetrics[] = [];
  const losses: RunMetrics['losses'] = [];
  for (const [index, line] of text.trimEnd().split('\n').entries()) {
    if (line === '') continue;
    const where = `${path}:${index + 1}`;
    const metrics = checkedJson(LINE, line, where, ABOUT);
    if (metrics.kind === 'evaluation') {
      const { epoch, step, loss, accuracy, f1, matthews, predicted, lossByTag } = metrics;
      const evaluation: EvaluationMetrics = {
        epoch,
        step,
        devLoss: loss,
        devAccuracy: accuracy,
        devF1: f1,
        devMatthews: matthews,
        devPredicted: predicted,
        ...(lossByTag && { devLossByTag: lossByTag }),
      };
      checkNext(evaluation, evaluations.at(-1), where);
      evaluations.push(evaluation);
    } else if (metrics.kind === 'steps') {
      losses.push({ step: metrics.step, loss: metrics.loss });
    } else {
      const { kind: _, ...epoch } = metrics;
      epochs.push(epoch);
    }
  }
  return { evaluations, epochs, losses };
}
