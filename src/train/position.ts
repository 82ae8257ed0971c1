import * as v from 'valibot';
import type { DevScores } from './best.js';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A sum of numbers and their count. */
export interface Total {
  /** Added up in the order of the steps. */
  sum: number;
  /** The steps whose numbers were added. */
  count: number;
}

/** Where a training is between two steps. With the state of the model, a checkpoint of it continues to the same bits. */
export interface TrainingPosition {
  /** Steps of the run that are done, earlier epochs included. */
  step: number;
  /** The current epoch, counted from 1. */
  epoch: number;
  /** Batches of the epoch that are done, in whole steps, so that no gradient is partly accumulated. */
  batches: number;
  /** The losses of the epoch's steps. */
  losses: Total;
  /** The losses that are not in a progress report yet. */
  unreported: Total;
  /** Training alone in this epoch, without evaluations. */
  seconds: number;
  /** Tokens of this epoch that were trained on. */
  tokens: number;
  /** Whether the evaluation after this step is still to do. */
  evaluationDue?: boolean;
  /** Where the run may stop early: its best evaluation, and the evaluations since then. */
  earlyStopping?: { best: DevScores; since: number };
  /** In precision f16: the factor of the loss, the steps since it changed, and the skipped steps of the run. */
  lossScale?: { scale: number; steps: number; skipped: number };
}

const total = v.object({ sum: v.pipe(v.number(), v.finite()), count });

const devScores = v.object({
  devLoss: v.number(),
  devAccuracy: v.number(),
  devF1: v.number(),
  devMatthews: v.number(),
});

export const positionSchema: v.GenericSchema<unknown, TrainingPosition> = v.object({
  step: count,
  epoch: v.pipe(count, v.minValue(1)),
  batches: count,
  losses: total,
  unreported: total,
  seconds: v.pipe(v.number(), v.finite(), v.minValue(0)),
  tokens: count,
  evaluationDue: v.optional(v.boolean()),
  earlyStopping: v.optional(v.object({ best: devScores, since: count })),
  lossScale: v.optional(v.object({ scale: v.pipe(v.number(), v.minValue(1)), steps: count, skipped: count })),
});

/** The length of a run. */
export interface RunLength {
  epochs: number;
  /** Batches of an epoch, and batches a step. */
  batches: number;
  gradientAccumulationSteps: number;
}

/** Whether a run of this length can reach a position. */
export function isReachable(
  position: TrainingPosition,
  { epochs, batches, gradientAccumulationSteps: accumulate }: RunLength,
): boolean {
  const { step, epoch, losses, unreported } = position;
  const steps = Math.ceil(position.batches / accumulate);
  return (
    epoch <= epochs &&
    position.batches <= batches &&
    (position.batches % accumulate === 0 || position.batches === batches) &&
    step === (epoch - 1) * Math.ceil(batches / accumulate) + steps &&
    losses.count === steps &&
    unreported.count <= losses.count
  );
}

export const NO_LOSSES: Readonly<Total> = { sum: 0, count: 0 };

/** The position at the start of an epoch. */
export function startOfEpoch(epoch: number, step: number): TrainingPosition {
  return { step, epoch, batches: 0, losses: NO_LOSSES, unreported: NO_LOSSES, seconds: 0, tokens: 0 };
}

/** A total with more numbers added, one after another: an interrupted run gets the same bits. */
export function withMore({ sum, count }: Total, values: readonly number[]): Total {
  return { sum: values.reduce((total, value) => total + value, sum), count: count + values.length };
}

export function meanOf({ sum, count }: Total): number {
  return sum / count;
}
