import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { planWordNames } from '../gpu/kernel-sources.generated.js';

/**
 * How far a rule reaches: over the whole document, within a sentence, or a number of tokens to either side (|query - key| <= w
 * in the text's own order).
 */
export type Scope = 'document' | 'sentence' | number;

/**
 * A scope, or the union of several, as one number that kernels read: the widest window in tokens, or -1 for none, and a
 * half more where a common sentence suffices too.
 */
export type Reach = number;

/** The reach of a pair that does not exist. */
export const NOWHERE: Reach = -1;

/** The reach of the whole document: wider than any distance, and exact in f32. */
export const EVERYWHERE: Reach = 2 ** 24;

/** Added where a common sentence suffices. */
const SENTENCE = 0.5;

/** A token that belongs to no sentence but to the document, as [CLS] and [SEP] do: every sentence is its own. */
export const NO_SENTENCE: number = planWordNames.NO_SENTENCE;

/** True for what a scope may be. */
export function isScope(scope: unknown): scope is Scope {
  if (scope === 'document' || scope === 'sentence') return true;
  return Number.isInteger(scope) && (scope as number) >= 0 && (scope as number) < EVERYWHERE;
}

/** What a complaint says of a scope. */
export const SCOPE_EXPECTED = '"document", "sentence", or a number of tokens';

/** @throws CallerError where it is no scope. */
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

/** Whether a common sentence is within reach. */
export function reachesSentence(reach: Reach): boolean {
  return reach !== Math.floor(reach);
}

/** The reach of what either of two reaches. */
export function widest(a: Reach, b: Reach): Reach {
  const window = Math.max(windowOf(a), windowOf(b));
  if (window >= EVERYWHERE) return EVERYWHERE;
  return reachesSentence(a) || reachesSentence(b) ? window + SENTENCE : window;
}

/**
 * Whether two tokens are within a reach of each other.
 * @param distance Tokens from one to the other.
 * @param inOneSentence Whether they are in one sentence, or one of them is the document's.
 */
export function isWithin(reach: Reach, distance: number, inOneSentence: boolean): boolean {
  return distance <= windowOf(reach) || (inOneSentence && reachesSentence(reach));
}

/** Whether tokens of these sentences are in one; what belongs to the document is in every one. */
export function areInOneSentence(a: number, b: number): boolean {
  return a === b || a === NO_SENTENCE || b === NO_SENTENCE;
}
