import { createHash } from 'node:crypto';

/** A short hash of a text: the first 16 hexadecimal digits of its SHA-256. */
export function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The hash of a value's JSON. */
export function hashOf(value: unknown): string {
  return hashOfText(JSON.stringify(value));
}

/** The entries of an object, sorted by name, for a hash that does not depend on their order. */
export function sortedEntries(object: object): [string, unknown][] {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}
