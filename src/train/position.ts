/** A sum of numbers, and how many they are. */
export interface Total {
  sum: number;
  count: number;
}

/** How far a run has come, between two steps: with the state of the model, all that the rest of it depends on. */
export interface TrainingPosition {
  /** Steps done. */
  step: number;
  /** The epoch that is under way, counted from 1. */
  epoch: number;
  /** Batches of it that are done: those of whole steps, so that no gradient is half gathered. */
  batches: number;
  /** The losses of the epoch's steps. */
  losses: Total;
  /** Those of them that no report of progress has told yet. */
  unreported: Total;
  /** Training in this epoch, without evaluations. */
  seconds: number;
  /** Tokens of this epoch. */
  tokens: number;
}

export const NOTHING: Readonly<Total> = { sum: 0, count: 0 };

/** Where an epoch begins. */
export function beginningOf(epoch: number, step: number): TrainingPosition {
  return { step, epoch, batches: 0, losses: NOTHING, unreported: NOTHING, seconds: 0, tokens: 0 };
}

/** A total with more numbers, added one after another: the same bits wherever a run was interrupted. */
export function withMore({ sum, count }: Total, values: readonly number[]): Total {
  return { sum: values.reduce((total, value) => total + value, sum), count: count + values.length };
}

export function meanOf({ sum, count }: Total): number {
  return sum / count;
}
