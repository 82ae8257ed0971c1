/** Shown where there is no number. */
export const NOTHING = '–';

/** A ratio; nothing where its divisor is 0. */
export function ratio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : NOTHING;
}

export function times(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '∞' : `${value.toFixed(2)}x`;
}

/** A share in percent; nothing where there is no whole. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return NOTHING;
  return `${(100 * share).toFixed(1)} %`;
}

/** A number with three significant digits, and at most six decimals. */
export function short(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))));
}

export function whole(value: number): string {
  return value.toLocaleString('en-GB');
}

/** A number of things: "one tile", "1,200 tiles". */
export function counted(count: number, noun: string): string {
  return count === 1 ? `one ${noun}` : `${whole(count)} ${noun}s`;
}

export function orNothing(value: number | null, format: (value: number) => string): string {
  return value === null ? NOTHING : format(value);
}

/** A text with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
