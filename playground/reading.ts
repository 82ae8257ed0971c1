import { AttentionMask } from '../src/plan/mask.js';
import type { TileConfig } from '../src/plan/tiles.js';
import { type Explanation, explainText } from '../src/report/explain/explanation.js';
import type { ModelDescription } from '../src/train/model-description.js';
import type { Shown } from './state.js';

/** Characters that are read: more than the longest picture shows, and few enough to be tagged between two frames. */
const MOST_CHARACTERS = 6_000;

/** A text as the page reads it. */
export interface PageReading {
  /** What was read of what was typed. */
  text: string;
  explanation: Explanation;
  /** Words that the model has no token for. */
  unknown: string[];
  /** What a reader must know: that only the beginning was read, say. */
  notes: string[];
}

/** The beginning of a text, no character of it cut in two. */
function beginningOf(text: string): string {
  const isSplit = /[\ud800-\udbff]/.test(text.charAt(MOST_CHARACTERS - 1));
  return text.slice(0, MOST_CHARACTERS - (isSplit ? 1 : 0));
}

/**
 * Reads a text under the rules that are shown.
 * @param tile Of the kernels that would run.
 * @returns Undefined where there is nothing to be read.
 * @throws CallerError where a rule or β is none.
 */
export function readText(
  { text: typed, rules, strategy, beta }: Shown,
  { tokenizer }: ModelDescription,
  tile?: TileConfig,
): PageReading | undefined {
  const text = beginningOf(typed);
  if (!/[^\s\p{C}]/u.test(text)) return undefined;
  // Pictures may show more of a text than the model reads.
  const whole = tokenizer.withTags(rules.tags, Number.POSITIVE_INFINITY);
  const mask = AttentionMask.fromRules(rules, strategy, { beta });
  const explanation = explainText(text, { tokenizer: whole, mask, tile });
  const notes: string[] = [];
  if (text.length < typed.length) {
    notes.push(`Long text: only its first ${MOST_CHARACTERS.toLocaleString('en-GB')} characters are read.`);
  }
  if (explanation.cut > 0) {
    notes.push(`Only the first ${explanation.tokens.length} tokens are shown.`);
  }
  // A model's vocabulary may be small: a picture says more with the words than with [UNK] everywhere.
  const tokens = explanation.tokens.map((token) => {
    return token.text === '[UNK]' ? { ...token, text: text.slice(token.start, token.end) } : token;
  });
  const unknown = explanation.tokens
    .filter((token) => token.text === '[UNK]')
    .map(({ start, end }) => text.slice(start, end));
  return { text, explanation: { ...explanation, tokens }, unknown: [...new Set(unknown)], notes };
}
