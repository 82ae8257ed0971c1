import type { Estimate } from './statistics.js';

/** Below this, a corrected probability is called a difference. */
const SIGNIFICANT = 0.05;

export type Verdict = 'better' | 'worse' | 'no difference shown' | 'in these runs, not beyond their seeds';

/**
 * What may be said of a difference: that it is one, where both the test and the interval say so. The test alone speaks of the
 * models that were trained, and of no others.
 */
export function verdictOf({ value, low, high }: Estimate, corrected: number): Verdict {
  if (corrected >= SIGNIFICANT) return 'no difference shown';
  if (low <= 0 && high >= 0) return 'in these runs, not beyond their seeds';
  return value > 0 ? 'better' : 'worse';
}
