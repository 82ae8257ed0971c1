import type { Tag } from '../../grammar/rules.js';
import { NO_SENTENCE } from '../../grammar/scope.js';
import type { EncodedSentence } from '../../grammar/tagged-pieces.js';
import type { Piece } from '../../grammar/word-pieces.js';
import { ABSENT, HARD, PLAIN, SOFT } from './explained-pairs.js';

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

/** The strongest first: a hard pair says more than one with β, and that more than one without a rule. */
const BY_STRENGTH = [HARD, SOFT, PLAIN] as const;

/** For each word, for each other, the strongest kind of pair that its pieces have with the other's: a digit each. */
export function wordPairs(words: readonly ExplainedWord[], kinds: Uint8Array): string[] {
  const count = Math.round(Math.sqrt(kinds.length));
  return words.map(({ pieces: [first, next] }) =>
    words
      .map(({ pieces: [firstKey, nextKey] }) => {
        const present = new Set<number>();
        for (let query = first; query < next; query++) {
          for (let key = firstKey; key < nextKey; key++) present.add(kinds[query * count + key]);
        }
        return BY_STRENGTH.find((kind) => present.has(kind)) ?? ABSENT;
      })
      .join(''),
  );
}
