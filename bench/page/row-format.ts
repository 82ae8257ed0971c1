import { times } from '../../src/report/page/numbers.js';
import type { AttentionRow } from '../attention-row.js';
import type { Pass } from '../attention-settings.js';
import { isImpossible } from '../suspicions.js';

const PASS_NAMES: Readonly<Record<Pass, string>> = {
  forward: 'forward',
  'forward+backward': 'forward and backward',
};

export function passName(pass: Pass): string {
  return PASS_NAMES[pass];
}

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

/** The interval of a row's speed-up. */
export function speedupInterval({ ratioLow, ratioHigh }: ShownRow): string {
  return `${times(1 / ratioHigh)} to ${times(1 / ratioLow)}`;
}
