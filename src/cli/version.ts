import { readFileSync } from 'node:fs';

/** The version of this package. Its package.json stands above `dist/`, three folders up from this file. */
export function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}
