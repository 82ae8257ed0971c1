import type { Text } from '../src/grammar/custom-tags.js';
import type { RuleSet, Tag } from '../src/grammar/rules.js';
import { TaggedTokenizer, type TaggedTokens, tagNames } from '../src/grammar/tagged-tokenizer.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import type { Workload } from './attention-implementation.js';
import { SENTENCES } from './attention-settings.js';
import { documentOf } from './documents.js';

/** Sentences enough for a text of some tokens, tagged, and how long that took. */
interface TaggedText {
  sentences: TaggedTokens[];
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
 * Tags sentences from the first on until they have this number of tokens, or all of them. Words that bring tags keep them.
 * @param wordTags Tags that these may be; the universal ones where left out.
 */
export function tagText(
  texts: readonly (string | Text)[],
  vocabulary: Vocabulary,
  tokens: number,
  wordTags?: readonly Tag[],
): TaggedText {
  const began = performance.now();
  const customTags = texts.some((text) => typeof text === 'object' && text.words);
  const tokenizer = new TaggedTokenizer({ vocabulary, customTags }, wordTags);
  const sentences: TaggedTokens[] = [];
  let count = 0;
  for (const text of texts) {
    if (count >= tokens) break;
    const [sentence] = tokenizer.encode([text]);
    sentences.push(sentence);
    count += sentence.ids.length - 2;
  }
  return { sentences, tags: tokenizer.tags, milliseconds: performance.now() - began };
}

/**
 * A packed batch: documents of `length` tokens, each joined from other sentences where there are enough of them, or the
 * first sentences as they are.
 * @param tags What the sentences' tags are indexes into; `TOKEN_TAGS` where left out.
 */
export function workloadOf(
  sentences: readonly TaggedTokens[],
  length: number | typeof SENTENCES,
  batch: number,
  heads: number,
  headDim: number,
  tags?: readonly Tag[],
): Workload {
  const sequences: TaggedTokens[] = [];
  let next = 0;
  while (sequences.length < batch) {
    if (length === SENTENCES) {
      sequences.push(sentences[next % sentences.length]);
      next++;
      continue;
    }
    const rotated = [...sentences.slice(next), ...sentences.slice(0, next)];
    sequences.push(documentOf(rotated, length));
    for (let tokens = 0; tokens < length; tokens += sentences[next].ids.length - 2) {
      next = (next + 1) % sentences.length;
    }
  }
  return packed(sequences, heads, headDim, tags);
}

/** The workload of some sequences, packed as they are. */
export function packed(
  sequences: readonly TaggedTokens[],
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
