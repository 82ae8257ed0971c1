import { closest } from './closest.js';
import { describeValue } from './describe-value.js';

/** The parts of a one-line error: what happened, where, what was expected there, and the remedy. */
export interface ErrorParts {
  /** What was found, or what happened: `3 heads`. */
  what: string;
  /** File and line, buffer, tensor or flag. */
  where?: string;
  /** What would be right there; the line adds "expected" before it. */
  expected?: string;
  /** What the reader can do; the end of the line. */
  remedy?: string;
}

/** Characters that control a terminal, end a line, or reverse the direction of text. */
const STEERING = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text of unknown origin, safe for a terminal: control characters are escaped as in JSON. */
export function escapeControls(text: string): string {
  return text.replace(STEERING, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return SHORT_ESCAPES[character] ?? `\\u${code}`;
  });
}

/** A text, or its start and end where it has more than `most` characters. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor(most / 4);
  return `${text.slice(0, most - end - 1)}…${text.slice(text.length - end)}`;
}

/** A value of a file as shortened JSON, for an error. It must not be nested deeply. */
export function describeJson(value: unknown): string {
  if (typeof value === 'string' && value.length > 100) return describeJson(shortened(value, 60));
  const isOdd = typeof value === 'number' && !Number.isFinite(value);
  return shortened((isOdd ? undefined : JSON.stringify(value)) ?? String(value), 80);
}

/** The most characters of a part of a message: whole lists of tags or flags fit. */
const LONGEST_PART = 1500;

/**
 * The name that a misspelt one probably means: `"hrad"` where "one of: none, hard" was expected. A path's last part is its name.
 */
function suggestion({ what, where = '', expected = '' }: ErrorParts): string | undefined {
  const [, names] = /\b(?:one of|among): ([^;]+)/.exec(expected) ?? [];
  if (names === undefined) return undefined;
  const quoted = [...what.matchAll(/"([^"]+)"/g)].map(([, word]) => word.slice(word.lastIndexOf('.') + 1));
  const word = quoted.at(-1) ?? where;
  const candidates = names.split(', ');
  return candidates.includes(word) ? undefined : closest(word, candidates);
}

function oneLine({ what, where, expected, remedy }: ErrorParts): string {
  const part = (text: string) => {
    const line = text.replace(/\s*\n\s*/g, ' ');
    return shortened(escapeControls(shortened(line, LONGEST_PART)), LONGEST_PART);
  };
  const parts = [where ? `${part(where)}: ${part(what)}` : part(what)];
  if (expected) parts.push(`expected ${part(expected)}`);
  const meant = suggestion({ what, where, expected });
  if (meant !== undefined) parts.push(`did you mean ${part(meant)}?`);
  if (remedy) parts.push(part(remedy));
  return parts.join('; ');
}

/** The message of anything that code of others throws. */
export function messageOf(thrown: unknown): string {
  const { message } = (thrown ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : describeValue(thrown);
}

/** An error that is shown as one line, without a stack trace. */
export abstract class ParsimonyError extends Error {
  /** The exit code of a command that ends with it. */
  abstract readonly exitCode: number;

  constructor(parts: ErrorParts, options?: ErrorOptions) {
    super(oneLine(parts), options);
    this.name = new.target.name;
  }
}

/** A mistake of the caller: bad input, a bad flag, a wrong file. */
export class CallerError extends ParsimonyError {
  readonly exitCode = 2;
}

/** A failure of the engine or the machine: no adapter, a lost device, out of memory, a refused kernel. */
export class EngineError extends ParsimonyError {
  readonly exitCode = 1;
}
