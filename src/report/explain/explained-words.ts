import type { Tag } from '../../grammar/rules.js';
import { NO_SENTENCE } from '../../grammar/scope.js';
import type { TaggedToken } from '../../grammar/tagged-tokenizer.js';

/** A token of the text that is explained. */
export interface ExplainedToken extends TaggedToken {
  /** The index of its word. */
  word: number;
}

/** Tokens of one tag without a space between them. [CLS] and [SEP] are words, too. */
export interface ExplainedWord {
  /** As the text writes it; for special tokens, "[CLS]" or "[SEP]". */
  text: string;
  tag: Tag;
  /** Its first token, and the one after its last. */
  tokens: [first: number, next: number];
  isSpecial: boolean;
}

/** Groups tokens into words. */
export function explainedWords(
  text: string,
  tokens: readonly TaggedToken[],
): { tokens: ExplainedToken[]; words: ExplainedWord[] } {
  const words: ExplainedWord[] = [];
  let last: TaggedToken | undefined;
  const explained = tokens.map((token, at): ExplainedToken => {
    const { tag, sentence } = token;
    const isSpecial = sentence === NO_SENTENCE;
    const continues =
      last?.end === token.start && last.tag === tag && last.sentence === sentence && !isSpecial;
    if (continues) words.at(-1)!.tokens[1] = at + 1;
    else words.push({ text: token.text, tag, tokens: [at, at + 1], isSpecial });
    last = token;
    return { ...token, word: words.length - 1 };
  });
  for (const word of words) {
    const [first, next] = word.tokens;
    if (!word.isSpecial) word.text = text.slice(explained[first].start, explained[next - 1].end);
  }
  return { tokens: explained, words };
}
