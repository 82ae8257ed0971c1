import { checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { vocabulary as vocabularyArgument } from './grammar-arguments.js';
import { knownTag, type OwnWord } from './own-tags.js';
import type { RuleSet, Tag } from './rules.js';
import { NO_SENTENCE } from './scope.js';
import { tagWords } from './tagger.js';
import { PIECE_TAGS, type PieceTag, SPECIAL_TAGS } from './tags.js';
import type { Vocabulary } from './vocabulary.js';
import { type Piece, specialPieces, splitPieces } from './word-pieces.js';

export interface TaggedPiece<AnyTag extends Tag = PieceTag> extends Piece {
  tag: AnyTag;
  /** Which of the text's sentences it is in, counted from 0; NO_SENTENCE for [CLS], [SEP] and [PAD], which are the document's. */
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
    const tag = covered ? words[word].tag : uncovered(piece);
    const isDocuments = !covered && SPECIAL_TAGS.some((special) => special === tag);
    return { ...piece, tag, sentence: isDocuments ? NO_SENTENCE : sentence };
  });
}

/** The tag of a piece that no word covers: its own for a special token that has one, else X. */
function tagWithoutWord({ text, isSpecial }: Piece): PieceTag {
  return (isSpecial && SPECIAL_TAGS.find((tag) => tag === text)) || 'X';
}

/** A text as the tagger is to see it: [CLS], [SEP] and [PAD] are blank lines, and other special tokens white space. */
function withoutSpecial(text: string, vocabulary: Vocabulary): string {
  const parts: string[] = [];
  let from = 0;
  for (const piece of specialPieces(text, vocabulary)) {
    const { start, end } = piece;
    const blank = tagWithoutWord(piece) === 'X' ? '' : '\n\n';
    parts.push(text.slice(from, start), blank.padEnd(end - start));
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join('');
}

/** Puts [CLS] before pieces and [SEP] behind. */
function withSpecialPieces<AnyTag extends Tag>(
  inner: TaggedPiece<AnyTag>[],
  vocabulary: Vocabulary,
): TaggedPiece<AnyTag | '[CLS]' | '[SEP]'>[] {
  const end = inner.at(-1)?.end ?? 0;
  const special = <Special extends '[CLS]' | '[SEP]'>(tag: Special, at: number): TaggedPiece<Special> => {
    return { id: vocabulary.idOf(tag), text: tag, start: at, end: at, tag, sentence: NO_SENTENCE };
  };
  return [special('[CLS]', 0), ...inner, special('[SEP]', end)];
}

/** [CLS] and [SEP], which every sentence has. */
const OWN_PIECES = 2;

/**
 * Splits a text into word pieces and tags each. A character that no word covers (the tagger passes over some that the
 * word pieces keep) is X: every piece has a tag. Of special tokens that the text names, [CLS], [SEP] and [PAD] have their own
 * tags, and part the text for the tagger; others ([MASK], [UNK], a model's own) are X, and the tagger does not see them.
 * @param mostPieces The length at which the sentence is cut, [CLS] and [SEP] included. The rest of the text is not tagged.
 * @returns [CLS], the pieces, [SEP].
 */
export function tagPieces(
  text: string,
  vocabulary: Vocabulary,
  mostPieces = Number.POSITIVE_INFINITY,
): TaggedPiece[] {
  checkArgument(string, text, 'text');
  checkArgument(vocabularyArgument, vocabulary, 'vocabulary');
  const pieces = splitPieces(text, vocabulary, mostPieces - OWN_PIECES);
  const last = pieces.at(-1);
  const words = last ? tagWords(withoutSpecial(text, vocabulary), last.start) : [];
  return withSpecialPieces(alignTags<PieceTag>(pieces, words, tagWithoutWord), vocabulary);
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
  const inner = splitPieces(text, vocabulary, mostPieces - OWN_PIECES);
  const pieces = alignTags<Tag>(inner, tagged, ({ start, text: piece }) => {
    throw new CallerError({
      what: `no word with a tag covers "${piece}", at character ${start + 1} of the text`,
      where,
      expected: 'words that cover the whole text, in its order',
    });
  });
  return withSpecialPieces(pieces, vocabulary);
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
