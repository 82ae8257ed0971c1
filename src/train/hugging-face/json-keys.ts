const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const OPENING_BRACE = '{'.charCodeAt(0);
const OPENING_BRACKET = '['.charCodeAt(0);
const CLOSING_BRACE = '}'.charCodeAt(0);
const CLOSING_BRACKET = ']'.charCodeAt(0);
/** What may stand between a key and its colon. */
const SPACES = ' \n\r\t';

/** Where a string's closing quote stands. @param at Of its opening quote. */
function endOfString(json: string, at: number): number {
  let end = at + 1;
  while (json.charCodeAt(end) !== QUOTE) end += json.charCodeAt(end) === BACKSLASH ? 2 : 1;
  return end;
}

/**
 * A key that stands twice in one object, anywhere in a JSON text, or undefined: JSON.parse keeps the last of them silently.
 * @param json What JSON.parse accepts.
 */
export function repeatedKey(json: string): string | undefined {
  /** The keys of each object that is open; none for a list. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === OPENING_BRACE) open.push(new Set());
    else if (code === OPENING_BRACKET) open.push(undefined);
    else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) open.pop();
    if (code !== QUOTE) continue;
    const end = endOfString(json, at);
    let after = end + 1;
    while (SPACES.includes(json.charAt(after)) && after < json.length) after++;
    if (json.charAt(after) === ':') {
      const key: string = JSON.parse(json.slice(at, end + 1));
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
    at = end;
  }
  return undefined;
}
