import { describeValue } from '../base/describe-value.js';
import { CallerError, type ErrorParts } from '../base/errors.js';
import { planWordNames } from '../gpu/kernel-sources.generated.js';

/**
 * How far a rule reaches: the whole document, a sentence, or a window of w tokens to either side (|query - key| <= w in the
 * text's order).
 */
export type Scope = 'document' | 'sentence' | number;

/**
 * A scope, or the union of several, as one number for kernels: the widest window in tokens, or -1 without a window; plus 0.5
 * where two tokens of one sentence are within reach at any distance.
 */
export type Reach = number;

/** The reach of a pair that does not exist. */
export const NOWHERE: Reach = -1;

/** The reach of the whole document: above any distance, and exact in f32. */
export const EVERYWHERE: Reach = 2 ** 24;

/** Added where tokens of one sentence are within reach. */
const SENTENCE = 0.5;

/** The sentence of a token that belongs to the document, such as [CLS] and [SEP]. It is in one sentence with every token. */
export const NO_SENTENCE: number = planWordNames.NO_SENTENCE;

/** Whether a value is a valid scope. */
export function isScope(scope: unknown): scope is Scope {
  if (scope === 'document' || scope === 'sentence') return true;
  return Number.isInteger(scope) && (scope as number) >= 0 && (scope as number) < EVERYWHERE;
}

/** The expected value in errors about scopes. */
export const SCOPE_EXPECTED = '"document", "sentence", or a number of tokens below 2²⁴';

/** What is wrong with a written scope of a rule: it is not a scope, or allows no pair; undefined where nothing is. */
export function scopeError(query: unknown, key: unknown, scope: Scope = 'document'): ErrorParts | undefined {
  if (!isScope(scope)) return { what: `scope ${describeValue(scope)}`, expected: SCOPE_EXPECTED };
  if (scope !== 0 || query === key) return undefined;
  return {
    what: `a window of 0 tokens, in which ${query} never finds ${key}`,
    expected: '1 token or more, "sentence" or "document"',
  };
}

/** The reach of a scope. @throws CallerError for an invalid scope. */
export function reachOf(scope: Scope, where?: string): Reach {
  if (!isScope(scope)) {
    throw new CallerError({ what: `scope ${describeValue(scope)}`, where, expected: SCOPE_EXPECTED });
  }
  if (scope === 'document') return EVERYWHERE;
  return scope === 'sentence' ? NOWHERE + SENTENCE : scope;
}

/** The window of a reach, in tokens; negative where there is none. */
export function windowOf(reach: Reach): number {
  return Math.floor(reach);
}

/** Whether tokens of one sentence are within reach at any distance. */
export function reachesSentence(reach: Reach): boolean {
  return reach !== Math.floor(reach);
}

/** The union of two reaches. */
export function widest(a: Reach, b: Reach): Reach {
  const window = Math.max(windowOf(a), windowOf(b));
  if (window >= EVERYWHERE) return EVERYWHERE;
  return reachesSentence(a) || reachesSentence(b) ? window + SENTENCE : window;
}

/**
 * Whether two tokens are within reach of each other.
 * @param distance Tokens from one to the other.
 * @param inOneSentence Whether both are in one sentence, or one of them belongs to the document.
 */
export function isWithin(reach: Reach, distance: number, inOneSentence: boolean): boolean {
  return distance <= windowOf(reach) || (inOneSentence && reachesSentence(reach));
}

/** Whether two tokens are in one sentence, by their sentence numbers. */
export function areInOneSentence(a: number, b: number): boolean {
  return a === b || a === NO_SENTENCE || b === NO_SENTENCE;
}
