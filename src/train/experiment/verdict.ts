import type { Estimate } from './seed-statistics.js';

/** Below this, a corrected probability is called a difference. */
const SIGNIFICANT = 0.05;

/** Fewer seeds than these give no verdict. */
export const LEAST_SEEDS = 10;

/** What is known of a difference of two contenders. */
export interface TestedDifference {
  /** Seeds that both contenders have: the unit of the test. */
  seeds: number;
  difference: Estimate;
  /** The probability of the test over seeds, corrected for all comparisons that were made; NaN with too few seeds. */
  corrected: number;
}

/** Whether a difference is shown: by enough seeds, by the corrected test, and by the interval. */
export function isShown({ seeds, difference: { low, high }, corrected }: TestedDifference): boolean {
  return seeds >= LEAST_SEEDS && corrected < SIGNIFICANT && (low > 0 || high < 0);
}

/** What may be said of a difference, in words. */
export function verdictOf(tested: TestedDifference): string {
  if (isShown(tested)) return tested.difference.value > 0 ? 'better' : 'worse';
  const { seeds } = tested;
  if (seeds >= LEAST_SEEDS) return 'no difference is shown';
  return `no difference is shown: ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}, at least ${LEAST_SEEDS} are needed`;
}
