import { createScanner } from 'jsonc-parser';

/** The start of an object or a list, or the name of a value in an object. */
export interface JsonPlace {
  offset: number;
  /** Objects and lists around it, itself included. */
  depth: number;
  name?: string;
  /** Whether its object already has the name: JSON.parse silently keeps the last value. */
  isRepeated?: boolean;
}

/**
 * The first place of a JSON text that `isWanted` accepts, or undefined. It does not recurse: texts may be nested deeply.
 * @param text Comments are skipped. Invalid JSON is scanned as far as possible.
 */
export function findInJson(text: string, isWanted: (place: JsonPlace) => boolean): JsonPlace | undefined {
  const scanner = createScanner(text, true);
  /** The names in each open object or list. */
  const open: Set<string>[] = [];
  let string = { offset: 0, name: '' };
  for (;;) {
    scanner.scan();
    const offset = scanner.getTokenOffset();
    if (offset >= text.length) return undefined;
    let place: JsonPlace | undefined;
    switch (text[offset]) {
      case '{':
      case '[':
        place = { offset, depth: open.push(new Set()) };
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"':
        string = { offset, name: scanner.getTokenValue() };
        break;
      case ':': {
        const names = open.at(-1);
        place = { ...string, depth: open.length, isRepeated: names?.has(string.name) };
        names?.add(string.name);
      }
    }
    if (place && isWanted(place)) return place;
  }
}

/** A name that occurs twice in one object of a JSON text, or undefined. */
export function repeatedName(text: string): string | undefined {
  return findInJson(text, ({ isRepeated }) => isRepeated === true)?.name;
}
