import type { Text } from '../src/grammar/custom-tags.js';
import type { RuleSet, Tag } from '../src/grammar/rules.js';
import { NO_SENTENCE } from '../src/grammar/scope.js';
import { TaggedTokenizer, type TaggedTokens, tagNames } from '../src/grammar/tagged-tokenizer.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import { SENTENCES } from './attention-settings.js';
import type { Workload } from './inputs.js';

/** Tagged sentences, and the time of tagging. */
interface TaggedText {
  sentences: TaggedTokens[];
  /** The tags by their index in `sentences`. */
  tags: readonly Tag[];
  milliseconds: number;
}

/** The tags that all of some rule sets have. */
export function tagsOfAll(rules: readonly Pick<RuleSet, 'tags'>[]): Tag[] {
  const [first, ...others] = rules;
  return first.tags.filter((tag) => others.every(({ tags }) => tags.includes(tag)));
}

/**
 * Tags sentences from the first one until they have this number of tokens, or all of them. Words with custom tags keep them.
 * @param wordTags The possible tags; the universal ones by default.
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
 * Joins encoded sentences to one document of exactly `length` tokens: [CLS], the sentences without their own special
 * tokens, [SEP]. Sentences are used in order, and repeated where there are too few. Each counts as one sentence.
 */
export function documentOf(sentences: readonly TaggedTokens[], length: number): TaggedTokens {
  const ids = new Uint32Array(length);
  const tags = new Uint8Array(length);
  const numbers = new Uint32Array(length).fill(NO_SENTENCE);
  const [first] = sentences;
  ids[0] = first.ids[0];
  tags[0] = first.tags[0];
  ids[length - 1] = first.ids[first.ids.length - 1];
  tags[length - 1] = first.tags[first.tags.length - 1];
  let at = 1;
  for (let count = 0; at < length - 1; count++) {
    const sentence = sentences[count % sentences.length];
    const room = Math.min(sentence.ids.length - 1, 1 + length - 1 - at);
    ids.set(sentence.ids.subarray(1, room), at);
    tags.set(sentence.tags.subarray(1, room), at);
    numbers.fill(count, at, at + room - 1);
    at += room - 1;
  }
  return { ids, tags, sentences: numbers };
}

/**
 * A packed batch: documents of `length` tokens, joined from different sentences where there are enough, or the first sentences as
 * they are.
 * @param tags The tags by their index in the sentences; `TOKEN_TAGS` by default.
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

/** The workload of some sequences. */
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
