/** Shown where there is no number. */
export const NOTHING = '–';

export function times(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '∞' : `${value.toFixed(2)}x`;
}

export function percent(share: number): string {
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

export function orNothing(value: number | null, format: (value: number) => string): string {
  return value === null ? NOTHING : format(value);
}

/** A text with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
