import { AttentionMask } from '../src/plan/mask.js';
import type { TileConfig } from '../src/plan/tiles.js';
import { type Explanation, explainText } from '../src/report/explain/explanation.js';
import type { ModelDescription } from '../src/train/model-description.js';
import type { Shown } from './state.js';

/** The most characters that are tagged: more than a picture shows, and few enough to be tagged between two frames. */
const MOST_CHARACTERS = 6_000;

/** A text with its explanation and notes. */
export interface PageReading {
  /** The typed text, or its beginning. */
  text: string;
  explanation: Explanation;
  /** Words that the model has no token for. */
  unknown: string[];
  /** Notes for the user, such as that only the beginning was read. */
  notes: string[];
}

/** The beginning of a text, without half a character at its end. */
function beginningOf(text: string): string {
  const isSplit = /[\ud800-\udbff]/.test(text.charAt(MOST_CHARACTERS - 1));
  return text.slice(0, MOST_CHARACTERS - (isSplit ? 1 : 0));
}

/**
 * Explains a text under the shown rules.
 * @param tile The tile of the kernels that would run.
 * @returns Undefined for a text without words.
 * @throws CallerError where a rule or β is invalid.
 */
export function readText(
  { text: typed, rules, strategy, beta }: Shown,
  { tokenizer }: ModelDescription,
  tile?: TileConfig,
): PageReading | undefined {
  const text = beginningOf(typed);
  if (!/[^\s\p{C}]/u.test(text)) return undefined;
  // Pictures may show more tokens than the model takes.
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
  // Show unknown words instead of [UNK]: the model's vocabulary may be small.
  const tokens = explanation.tokens.map((token) => {
    return token.text === '[UNK]' ? { ...token, text: text.slice(token.start, token.end) } : token;
  });
  const unknown = explanation.tokens
    .filter((token) => token.text === '[UNK]')
    .map(({ start, end }) => text.slice(start, end));
  return { text, explanation: { ...explanation, tokens }, unknown: [...new Set(unknown)], notes };
}
