import { CallerError } from '../base/errors.js';
import { areUniversal } from '../grammar/own-tags.js';
import { relabelled, type SeededRelabelling } from '../grammar/relabelling.js';
import type { RuleSet, Tag } from '../grammar/rules.js';
import { type EncodedSentence, encodePieces, ownTaggedPieces, tagPieces } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { splitPieces } from '../grammar/word-pieces.js';
import type { Example, Text } from './dataset.js';

/** How a model reads texts. */
export interface Reading {
  vocabulary: Vocabulary;
  /** Where a text is cut, in pieces, [CLS] and [SEP] included. */
  mostPieces: number;
  /** Whose tags the words of a text carry where they carry their own. */
  rules: Pick<RuleSet, 'tags'>;
  /** What the tags of encoded sentences are indexes into: all that pieces may have (`pieceTags`). */
  tags: readonly Tag[];
  /** Whether the model knows words by their own tags, so that wink-nlp's must be the same where a text has none. */
  ownTags: boolean;
  /** A control: other tags than those, of the universal ones. */
  relabelling?: SeededRelabelling;
}

/** Texts as a model reads them. */
export interface EncodedTexts {
  sentences: EncodedSentence[];
  /** For each text, whether it was longer than the model's sentences may be. */
  cut: boolean[];
}

/** Examples as a model reads them: sentence i has label i. */
export interface EncodedData extends EncodedTexts {
  labels: Uint32Array;
}

/** [CLS] and [SEP]. */
const SPECIAL_PIECES = 2;

/**
 * @param ownTags Whether the model knows words by their own tags.
 * @throws CallerError for a text without tags, where wink-nlp's are not those that the model knows.
 */
export function requireTags(texts: readonly Text[], rules: Pick<RuleSet, 'tags'>, ownTags: boolean): void {
  if (!ownTags || areUniversal(rules)) return;
  const untagged = texts.findIndex(({ words }) => !words);
  if (untagged < 0) return;
  throw new CallerError({
    what: 'no tags, and this model was trained on tags of its own',
    where: `text ${untagged + 1}`,
    expected: `a tag for each word, among: ${rules.tags.join(', ')}`,
    remedy: 'name their column with --tags-column, or read a .conllu file',
  });
}

/**
 * @throws CallerError for a text without tags, where rules know tags that the tagger does not give: they would forbid whatever
 * it gives.
 */
export function requireRulesTags(texts: readonly Text[], rules: Pick<RuleSet, 'tags' | 'name'>): void {
  if (areUniversal(rules)) return;
  const untagged = texts.findIndex(({ words }) => !words);
  if (untagged < 0) return;
  const own = rules.tags.filter((tag) => !PIECE_TAGS.some((known) => known === tag));
  throw new CallerError({
    what: `no tags, and rules "${rules.name}" are about tags that the tagger does not give: ${own.join(', ')}`,
    where: `text ${untagged + 1}`,
    expected: `a tag for each word, among: ${rules.tags.join(', ')}`,
    remedy: 'name their column with --tags-column, or read a .conllu file',
  });
}

function encodeText({ text, words }: Text, reading: Reading, where: string): EncodedSentence {
  const { vocabulary, mostPieces, rules, tags, relabelling } = reading;
  const pieces = words
    ? ownTaggedPieces(text, words, rules, vocabulary, mostPieces, where)
    : tagPieces(text, vocabulary, mostPieces);
  if (!relabelling) return encodePieces(pieces, tags);
  const other = relabelled(encodePieces(pieces), relabelling, vocabulary);
  return { ...other, tags: other.tags.map((tag) => tags.indexOf(PIECE_TAGS[tag])) };
}

/**
 * Splits and tags every text once.
 * @throws CallerError for a text whose tags are not the rules', or which has none although they cannot be guessed.
 */
export function encodeTexts(texts: readonly Text[], reading: Reading): EncodedTexts {
  const { vocabulary, mostPieces, rules, ownTags } = reading;
  requireTags(texts, rules, ownTags);
  const sentences = texts.map((text, index) => encodeText(text, reading, `text ${index + 1}`));
  const cut = texts.map(
    // Only a sentence of the full length can have been cut: the others need not be split a second time.
    ({ text }, index) =>
      sentences[index].ids.length === mostPieces &&
      splitPieces(text, vocabulary, mostPieces).length + SPECIAL_PIECES > mostPieces,
  );
  return { sentences, cut };
}

/** `encodeTexts`, with labels. */
export function encodeExamples(examples: readonly Example[], reading: Reading): EncodedData {
  return { ...encodeTexts(examples, reading), labels: Uint32Array.from(examples, ({ label }) => label) };
}
