import { CallerError } from '../gpu/errors.js';
import { knownTag, type OwnWord } from './own-tags.js';
import type { RuleSet, Tag } from './rules.js';
import { NO_SENTENCE } from './scope.js';
import { tagWords } from './tagger.js';
import { PIECE_TAGS, type PieceTag } from './tags.js';
import type { Vocabulary } from './vocabulary.js';
import { type Piece, splitPieces } from './word-pieces.js';

export interface TaggedPiece<AnyTag extends Tag = PieceTag> extends Piece {
  tag: AnyTag;
  /** Which of the text's sentences it is in, counted from 0; NO_SENTENCE for [CLS] and [SEP], which are the document's. */
  sentence: number;
}

/** A text as a model reads it: the ids of its pieces and, for each, its tag and its sentence. */
export interface EncodedSentence {
  ids: Uint32Array;
  /** Indexes into the list of tags that the text was encoded with: `PIECE_TAGS` where no other is named. */
  tags: Uint8Array;
  sentences: Uint32Array;
}

/** A word with its tag and the number of its sentence. */
interface Word<AnyTag> {
  start: number;
  end: number;
  tag: AnyTag;
  sentence: number;
}

/** The tag of the word that covers a piece's first character, or what `uncovered` says of a piece that no word covers. */
function alignTags<AnyTag extends Tag>(
  pieces: Piece[],
  words: readonly Word<AnyTag>[],
  uncovered: (piece: Piece) => AnyTag,
): TaggedPiece<AnyTag>[] {
  let word = 0;
  let sentence = 0;
  return pieces.map((piece) => {
    while (word < words.length && words[word].end <= piece.start) word++;
    const covered = word < words.length && words[word].start <= piece.start;
    // What no word covers stays with the words before it.
    if (covered) sentence = words[word].sentence;
    return { ...piece, tag: covered ? words[word].tag : uncovered(piece), sentence };
  });
}

/** Cuts pieces at a length, and puts [CLS] before them and [SEP] behind. */
function withSpecialPieces<AnyTag extends Tag>(
  pieces: TaggedPiece<AnyTag>[],
  vocabulary: Vocabulary,
  mostPieces: number,
): TaggedPiece<AnyTag | '[CLS]' | '[SEP]'>[] {
  const inner = pieces.slice(0, Math.max(0, mostPieces - 2));
  const end = inner.at(-1)?.end ?? 0;
  const special = <Special extends '[CLS]' | '[SEP]'>(tag: Special, at: number): TaggedPiece<Special> => {
    return { id: vocabulary.idOf(tag), text: tag, start: at, end: at, tag, sentence: NO_SENTENCE };
  };
  return [special('[CLS]', 0), ...inner, special('[SEP]', end)];
}

/**
 * Splits a text into word pieces and tags each. A character that no word covers (the tagger passes over some that the
 * word pieces keep) is X: every piece has a tag.
 * @param mostPieces The length at which the sentence is cut, [CLS] and [SEP] included.
 * @returns [CLS], the pieces, [SEP].
 */
export function tagPieces(
  text: string,
  vocabulary: Vocabulary,
  mostPieces = Number.POSITIVE_INFINITY,
): TaggedPiece[] {
  const pieces = alignTags<PieceTag>(splitPieces(text, vocabulary), tagWords(text), () => 'X');
  return withSpecialPieces(pieces, vocabulary, mostPieces);
}

/**
 * `tagPieces`, with the caller's words and tags. The text is one sentence.
 * @param words In the text's order. Together they cover it, but for what is white space.
 * @param rules Whose tags the words carry.
 * @param where What an error calls the text.
 * @throws CallerError for a tag that the rules do not have, and where no word covers a piece's first character.
 */
export function ownTaggedPieces(
  text: string,
  words: readonly OwnWord[],
  rules: Pick<RuleSet, 'tags'>,
  vocabulary: Vocabulary,
  mostPieces: number,
  where: string,
): TaggedPiece<Tag>[] {
  const tagged = words.map(({ start, end, tag }) => {
    return { start, end, tag: knownTag(tag, rules.tags, where), sentence: 0 };
  });
  const pieces = alignTags<Tag>(splitPieces(text, vocabulary), tagged, ({ start, text: piece }) => {
    throw new CallerError({
      what: `no word with a tag covers "${piece}", at character ${start + 1} of the text`,
      where,
      expected: 'words that cover the whole text, in its order',
    });
  });
  return withSpecialPieces(pieces, vocabulary, mostPieces);
}

/** Tagged pieces as ids, indexes into a list that has their tags, and sentences. */
export function encodePieces(
  pieces: readonly TaggedPiece<Tag>[],
  tags: readonly Tag[] = PIECE_TAGS,
): EncodedSentence {
  const index = new Map(tags.map((tag, at) => [tag, at]));
  return {
    ids: Uint32Array.from(pieces, (piece) => piece.id),
    tags: Uint8Array.from(pieces, (piece) => index.get(piece.tag)!),
    sentences: Uint32Array.from(pieces, (piece) => piece.sentence),
  };
}

/** `tagPieces`, as ids, indexes into `PIECE_TAGS` and sentences. */
export function encodeSentence(text: string, vocabulary: Vocabulary, mostPieces?: number): EncodedSentence {
  return encodePieces(tagPieces(text, vocabulary, mostPieces));
}

/** The tags of a sentence's pieces. @param tags What it was encoded with. */
export function tagNames(sentence: EncodedSentence, tags: readonly Tag[] = PIECE_TAGS): Tag[] {
  return Array.from(sentence.tags, (tag) => tags[tag]);
}
