/** The course of the learning rate after its linear warm-up from 0: to 0 linearly or as half a cosine, or constant. */
export const LR_SCHEDULERS = ['linear', 'cosine', 'constant'] as const;

type LrScheduler = (typeof LR_SCHEDULERS)[number];

/** The learning rate over a run. */
export interface Schedule {
  lrScheduler: LrScheduler;
  /** At the end of the warm-up. */
  learningRate: number;
  warmupSteps: number;
  totalSteps: number;
}

/** What is left of the full rate, by the share of the steps after the warm-up that are done. */
const DECAY: Record<LrScheduler, (done: number) => number> = {
  linear: (done) => 1 - done,
  cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
  constant: () => 1,
};

/** The learning rate of a step, counted from 1 (as Hugging Face's `get_…_schedule_with_warmup`, one step later). */
export function rateAt(schedule: Schedule, step: number): number {
  const { lrScheduler, learningRate, warmupSteps, totalSteps } = schedule;
  const done = step - 1;
  if (done < warmupSteps) return (learningRate * step) / warmupSteps;
  const decayed = DECAY[lrScheduler](
    Math.min(1, (done - warmupSteps) / Math.max(1, totalSteps - warmupSteps)),
  );
  return learningRate * decayed;
}
