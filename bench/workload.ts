import type { Text } from '../src/data/dataset.js';
import { encodeTexts } from '../src/data/encoded-data.js';
import { pieceTags } from '../src/grammar/own-tags.js';
import type { RuleSet, Tag } from '../src/grammar/rules.js';
import { type EncodedSentence, tagNames } from '../src/grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../src/grammar/tags.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import type { Workload } from './attention-contender.js';
import { SENTENCES } from './attention-settings.js';
import { documentOf } from './documents.js';

/** Sentences enough for a text of some pieces, tagged, and how long that took. */
export interface TaggedText {
  sentences: EncodedSentence[];
  /** What their tags are indexes into. */
  tags: readonly Tag[];
  milliseconds: number;
}

/** The tags that all of some rule sets know. */
export function tagsOfAll(rules: readonly Pick<RuleSet, 'tags'>[]): Tag[] {
  const [first, ...others] = rules;
  return first.tags.filter((tag) => others.every(({ tags }) => tags.includes(tag)));
}

/**
 * Tags sentences from the first on until they have `pieces` pieces, or all of them. Words that bring tags keep them.
 * @param known Tags that these may be.
 */
export function tagText(
  texts: readonly (string | Text)[],
  vocabulary: Vocabulary,
  pieces: number,
  known: readonly Tag[] = PIECE_TAGS,
): TaggedText {
  const began = performance.now();
  const read = texts.map((text): Text => (typeof text === 'string' ? { text } : text));
  const ownTags = read.some(({ words }) => words);
  const rules = { tags: known };
  const tags = pieceTags(rules, ownTags);
  const reading = { vocabulary, mostPieces: Number.POSITIVE_INFINITY, rules, tags, ownTags };
  const sentences: EncodedSentence[] = [];
  let count = 0;
  for (const text of read) {
    if (count >= pieces) break;
    const [sentence] = encodeTexts([text], reading).sentences;
    sentences.push(sentence);
    count += sentence.ids.length - 2;
  }
  return { sentences, tags, milliseconds: performance.now() - began };
}

/**
 * A packed batch: documents of `length` pieces, each joined from other sentences where there are enough of them, or the
 * first sentences as they are.
 * @param tags What the sentences' tags are indexes into; `PIECE_TAGS` where left out.
 */
export function workloadOf(
  sentences: readonly EncodedSentence[],
  length: number | typeof SENTENCES,
  batch: number,
  heads: number,
  headDim: number,
  tags?: readonly Tag[],
): Workload {
  const sequences: EncodedSentence[] = [];
  let next = 0;
  while (sequences.length < batch) {
    if (length === SENTENCES) {
      sequences.push(sentences[next % sentences.length]);
      next++;
      continue;
    }
    const rotated = [...sentences.slice(next), ...sentences.slice(0, next)];
    sequences.push(documentOf(rotated, length));
    for (let pieces = 0; pieces < length; pieces += sentences[next].ids.length - 2) {
      next = (next + 1) % sentences.length;
    }
  }
  return packed(sequences, heads, headDim, tags);
}

/** The workload of some sequences, packed as they are. */
export function packed(
  sequences: readonly EncodedSentence[],
  heads: number,
  headDim: number,
  tags?: readonly Tag[],
): Workload {
  return {
    tags: sequences.flatMap((sequence) => tagNames(sequence, tags)),
    lengths: sequences.map(({ tags }) => tags.length),
    sentences: sequences.flatMap(({ sentences }) => Array.from(sentences)),
    heads,
    headDim,
  };
}
