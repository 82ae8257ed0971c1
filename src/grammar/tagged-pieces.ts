import { NO_SENTENCE } from './scope.js';
import { type TaggedWord, tagWords } from './tagger.js';
import { PIECE_TAGS, type PieceTag } from './tags.js';
import type { Vocabulary } from './vocabulary.js';
import { type Piece, splitPieces } from './word-pieces.js';

export interface TaggedPiece extends Piece {
  tag: PieceTag;
  /** Which of the text's sentences it is in, counted from 0; NO_SENTENCE for [CLS] and [SEP], which are the document's. */
  sentence: number;
}

/** A text as a model reads it: the ids of its pieces and, for each, its tag's index in `PIECE_TAGS` and its sentence. */
export interface EncodedSentence {
  ids: Uint32Array;
  tags: Uint8Array;
  sentences: Uint32Array;
}

const TAG_INDEX = new Map<PieceTag, number>(PIECE_TAGS.map((tag, index) => [tag, index]));

/**
 * The tag of the word that covers a piece's first character. A character that no word covers (the tagger passes over
 * some that the word pieces keep) is X: every piece has a tag.
 */
function alignTags(pieces: Piece[], words: TaggedWord[]): TaggedPiece[] {
  let word = 0;
  let sentence = 0;
  return pieces.map((piece) => {
    while (word < words.length && words[word].end <= piece.start) word++;
    const covered = word < words.length && words[word].start <= piece.start;
    // What no word covers stays with the words before it.
    if (covered) sentence = words[word].sentence;
    return { ...piece, tag: covered ? words[word].tag : 'X', sentence };
  });
}

/**
 * Splits a text into word pieces and tags each.
 * @param mostPieces The length at which the sentence is cut, [CLS] and [SEP] included.
 * @returns [CLS], the pieces, [SEP].
 */
export function tagPieces(
  text: string,
  vocabulary: Vocabulary,
  mostPieces = Number.POSITIVE_INFINITY,
): TaggedPiece[] {
  const inner = alignTags(splitPieces(text, vocabulary), tagWords(text)).slice(
    0,
    Math.max(0, mostPieces - 2),
  );
  const end = inner.at(-1)?.end ?? 0;
  const special = (tag: '[CLS]' | '[SEP]', at: number): TaggedPiece => {
    return { id: vocabulary.idOf(tag), text: tag, start: at, end: at, tag, sentence: NO_SENTENCE };
  };
  return [special('[CLS]', 0), ...inner, special('[SEP]', end)];
}

/** `tagPieces`, as ids, tag indexes and sentences. */
export function encodeSentence(text: string, vocabulary: Vocabulary, mostPieces?: number): EncodedSentence {
  const pieces = tagPieces(text, vocabulary, mostPieces);
  return {
    ids: Uint32Array.from(pieces, (piece) => piece.id),
    tags: Uint8Array.from(pieces, (piece) => TAG_INDEX.get(piece.tag)!),
    sentences: Uint32Array.from(pieces, (piece) => piece.sentence),
  };
}
