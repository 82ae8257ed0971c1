/** A token that is found in a text before the text is split: Hugging Face's `AddedToken`. */
export interface SpecialToken {
  /** Its text, as the vocabulary has it: "[MASK]". */
  content: string;
  /** Whether it is found only where no letter, digit or mark is next to it. */
  singleWord: boolean;
  /** Whether it is found in the normalised (lower-cased …) text, not in the original. */
  normalised: boolean;
}

/** A special token found in a text. */
export interface SpecialMatch {
  token: SpecialToken;
  start: number;
  end: number;
}

const WORD_AT_END = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const WORD_AT_START = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Finds special tokens in texts from left to right, the longest first. */
export class SpecialFinder {
  private readonly byText: ReadonlyMap<string, SpecialToken>;
  private readonly expression: RegExp | undefined;

  /** @param tokens By their text. */
  constructor(tokens: ReadonlyMap<string, SpecialToken>) {
    this.byText = tokens;
    const contents = [...tokens.keys()].sort((a, b) => b.length - a.length).map(escaped);
    if (contents.length > 0) this.expression = new RegExp(contents.join('|'), 'gu');
  }

  *find(text: string): Generator<SpecialMatch> {
    if (!this.expression) return;
    for (const { index: start, 0: found } of text.matchAll(this.expression)) {
      const token = this.byText.get(found)!;
      const end = start + found.length;
      // A character has at most two UTF-16 units.
      const touches =
        WORD_AT_END.test(text.slice(Math.max(0, start - 2), start)) ||
        WORD_AT_START.test(text.slice(end, end + 2));
      if (!(token.singleWord && touches)) yield { token, start, end };
    }
  }
}
