import type { AttentionRow } from '../attention-row.js';
import type { Pass } from '../attention-settings.js';

/** What stands where there is no number. */
export const NOTHING = '–';

export function times(value: number): string {
  return `${value.toFixed(2)}x`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Three digits that count, however small the number is. */
export function short(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))));
}

export function whole(value: number): string {
  return value.toLocaleString('en-GB');
}

export function orNothing(value: number | null, format: (value: number) => string): string {
  return value === null ? NOTHING : format(value);
}

const PASS_NAMES: Readonly<Record<Pass, string>> = {
  forward: 'forward',
  'forward+backward': 'forward and backward',
};

export function passName(pass: Pass): string {
  return PASS_NAMES[pass];
}

/** Text that begins a title. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
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

export type Verdict = 'faster' | 'slower' | 'unclear';

/** What the 99 % interval leaves to be said. */
export function verdictOf({ ratioLow, ratioHigh }: ShownRow): Verdict {
  if (ratioHigh < 1) return 'faster';
  return ratioLow > 1 ? 'slower' : 'unclear';
}

/** The interval of a row's speed-up. */
export function speedupInterval({ ratioLow, ratioHigh }: ShownRow): string {
  return `${times(1 / ratioHigh)} to ${times(1 / ratioLow)}`;
}
