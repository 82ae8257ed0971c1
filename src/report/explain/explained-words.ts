import type { Tag } from '../../grammar/rules.js';
import { NO_SENTENCE } from '../../grammar/scope.js';
import type { EncodedSentence } from '../../grammar/tagged-pieces.js';
import type { Piece } from '../../grammar/word-pieces.js';

/** A word piece with its place in the text, in UTF-16 units. */
export interface ExplainedPiece extends Piece {
  tag: Tag;
  /** Counted from 0; undefined for what belongs to the document, [CLS] and [SEP]. */
  sentence: number | undefined;
  /** Which of the words it belongs to. */
  word: number;
}

/** Pieces of one tag that no space separates; [CLS] and [SEP] are words of their own. */
export interface ExplainedWord {
  /** As it stands in the text, in capitals as there; "[CLS]" and "[SEP]" stand nowhere. */
  text: string;
  tag: Tag;
  /** Its pieces: the first, and one past the last. */
  pieces: [first: number, next: number];
  isSpecial: boolean;
}

/** Pieces with their words. @param tags What the encoded tags are indexes into. */
export function explainedWords(
  text: string,
  pieces: readonly Piece[],
  encoded: EncodedSentence,
  tags: readonly Tag[],
): { pieces: ExplainedPiece[]; words: ExplainedWord[] } {
  const words: ExplainedWord[] = [];
  let last: ExplainedPiece | undefined;
  const explained = pieces.map((piece, at): ExplainedPiece => {
    const tag = tags[encoded.tags[at]];
    const isSpecial = encoded.sentences[at] === NO_SENTENCE;
    const sentence = isSpecial ? undefined : encoded.sentences[at];
    const goesOn = last?.end === piece.start && last.tag === tag && last.sentence === sentence && !isSpecial;
    if (goesOn) {
      words.at(-1)!.pieces[1] = at + 1;
    } else {
      words.push({ text: piece.text, tag, pieces: [at, at + 1], isSpecial });
    }
    last = { ...piece, tag, sentence, word: words.length - 1 };
    return last;
  });
  for (const word of words) {
    const [first, next] = word.pieces;
    if (!word.isSpecial) word.text = text.slice(explained[first].start, explained[next - 1].end);
  }
  return { pieces: explained, words };
}
