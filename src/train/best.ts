/** How good a model is on dev. */
export interface DevScores {
  /** The mean cross-entropy over the rows of dev. */
  devLoss: number;
  /** The share of rows that were right, from 0 to 1; of masked tokens, with task mlm. */
  devAccuracy: number;
  /** F1 of class 1 of two classes, from 0 to 1; of more classes, the mean over them. */
  devF1: number;
  /** Matthews' correlation coefficient, from -1 to 1. */
  devMatthews: number;
}

/** Metrics that choose the best evaluation of a run. */
export const BEST_BY = ['accuracy', 'f1', 'matthews', 'loss'] as const;

export type BestBy = (typeof BEST_BY)[number];

const SCORES = {
  accuracy: 'devAccuracy',
  f1: 'devF1',
  matthews: 'devMatthews',
  loss: 'devLoss',
} as const satisfies Record<BestBy, keyof DevScores>;

/** The number by which evaluations are compared. */
export function scoreOf(by: BestBy, metrics: DevScores): number {
  return metrics[SCORES[by]];
}

/** Whether a value that should be low is better than another; NaN is the worst. */
function isLower(value: number, before: number): boolean {
  return Number.isNaN(before) ? !Number.isNaN(value) : value < before;
}

/**
 * Whether an evaluation is better than the best before it: by the metric, then by a lower loss. With equal losses the earlier one
 * stays. A loss of NaN is never better.
 */
export function isBetter(by: BestBy, metrics: DevScores, best?: DevScores): boolean {
  if (!best) return true;
  const [value, before] = [scoreOf(by, metrics), scoreOf(by, best)];
  if (by === 'loss' || value === before) return isLower(metrics.devLoss, best.devLoss);
  return value > before;
}

/** Whether the metric alone is better than before, as Hugging Face's `EarlyStoppingCallback` counts. */
function isHigherScore(by: BestBy, metrics: DevScores, best: DevScores): boolean {
  const [value, before] = [scoreOf(by, metrics), scoreOf(by, best)];
  return by === 'loss' ? isLower(value, before) : value > before;
}

/** What a run that may stop early remembers: its best evaluation by the metric, and how many came since then. */
export interface EarlyStopping {
  best: DevScores;
  since: number;
}

/** The state after another evaluation. */
export function afterEvaluation(by: BestBy, metrics: DevScores, before?: EarlyStopping): EarlyStopping {
  if (before && !isHigherScore(by, metrics, before.best)) return { ...before, since: before.since + 1 };
  const { devLoss, devAccuracy, devF1, devMatthews } = metrics;
  return { best: { devLoss, devAccuracy, devF1, devMatthews }, since: 0 };
}

/** The best evaluation of a list in the order of the run; undefined for an empty list. */
export function bestOf<Scores extends DevScores>(
  by: BestBy,
  evaluations: readonly Scores[],
): Scores | undefined {
  let best: Scores | undefined;
  for (const metrics of evaluations) if (isBetter(by, metrics, best)) best = metrics;
  return best;
}
