import { createHash } from 'node:crypto';

/** What names a text: the beginning of its SHA-256. */
export function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What names a value, by its JSON. */
export function hashOf(value: unknown): string {
  return hashOfText(JSON.stringify(value));
}

/** An object's entries by name, for a hash that does not depend on the order in which they were written. */
export function sortedEntries(object: object): [string, unknown][] {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}
