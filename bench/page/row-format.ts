import type { AttentionRow } from '../attention-row.js';
import { isImpossible } from '../suspicions.js';

/** A row with a speed-up: its gate was green. */
export type ShownRow = AttentionRow & {
  ratioToDense: number;
  ratioLow: number;
  ratioHigh: number;
  realisedSpeedup: number;
  realisedFraction: number;
  executedGflops: number;
};

export function isShown(row: AttentionRow): row is ShownRow {
  return row.ratioToDense !== null;
}

export type Verdict = 'faster' | 'slower' | 'unclear' | 'impossible';

/** What the 99 % interval leaves to be said. */
export function verdictOf(row: ShownRow): Verdict {
  const { ratioLow, ratioHigh } = row;
  if (isImpossible(row)) return 'impossible';
  if (ratioHigh < 1) return 'faster';
  return ratioLow > 1 ? 'slower' : 'unclear';
}
