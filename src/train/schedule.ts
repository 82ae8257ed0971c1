/** The learning rate over a run: linear warm-up from 0, then linear decay to 0. */
export interface Schedule {
  rate: number;
  warmUpSteps: number;
  totalSteps: number;
}

/** The learning rate of a step, counted from 1 (as `get_linear_schedule_with_warmup` of Hugging Face, one step later). */
export function rateAt({ rate, warmUpSteps, totalSteps }: Schedule, step: number): number {
  const done = step - 1;
  if (done < warmUpSteps) return (rate * step) / warmUpSteps;
  return (rate * Math.max(0, totalSteps - done)) / Math.max(1, totalSteps - warmUpSteps);
}
