import type { Estimate } from '../../train/experiment/seed-statistics.js';
import { NOTHING } from '../page/numbers.js';
import type { Run } from './run.js';

export function accuracy(value: number): string {
  return Number.isFinite(value) ? value.toFixed(4) : NOTHING;
}

/** A difference of accuracies. */
export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

/** Whether a value has an interval: that of one seed has none. */
export function hasInterval({ low, high }: { low?: number; high?: number }): boolean {
  return low !== undefined && high !== undefined && Number.isFinite(low) && Number.isFinite(high);
}

/** "0.9 to 1" between two texts; an empty text where there is no interval. */
export function interval(
  estimate: Estimate,
  before = '',
  after = '',
  text: (value: number) => string = accuracy,
): string {
  return hasInterval(estimate) ? `${before}${text(estimate.low)} to ${text(estimate.high)}${after}` : '';
}

export function seedsText(runs: readonly Run[]): string {
  return runs.length === 1 ? 'one seed' : `${runs.length} seeds`;
}
