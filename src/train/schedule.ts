/** What a learning rate does after its linear warm-up from 0: it falls to 0, evenly or as half a cosine, or stays. */
export const SCHEDULES = ['linear', 'cosine', 'constant'] as const;

export type ScheduleKind = (typeof SCHEDULES)[number];

/** The learning rate over a run. */
export interface Schedule {
  kind: ScheduleKind;
  /** At the end of the warm-up. */
  rate: number;
  warmUpSteps: number;
  totalSteps: number;
}

/** What is left of the full rate, by the share of the steps behind the warm-up that are done. */
const DECAY: Record<ScheduleKind, (done: number) => number> = {
  linear: (done) => 1 - done,
  cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
  constant: () => 1,
};

/** The learning rate of a step, counted from 1 (as Hugging Face's `get_…_schedule_with_warmup`, one step later). */
export function rateAt({ kind, rate, warmUpSteps, totalSteps }: Schedule, step: number): number {
  const done = step - 1;
  if (done < warmUpSteps) return (rate * step) / warmUpSteps;
  return rate * DECAY[kind](Math.min(1, (done - warmUpSteps) / Math.max(1, totalSteps - warmUpSteps)));
}
