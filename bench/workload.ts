import { type EncodedSentence, encodeSentence, tagNames } from '../src/grammar/tagged-pieces.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import type { Workload } from './attention-contender.js';
import { SENTENCES } from './attention-settings.js';
import { documentOf } from './documents.js';

/** Sentences enough for a text of some pieces, tagged, and how long that took. */
export interface TaggedText {
  sentences: EncodedSentence[];
  milliseconds: number;
}

/** Tags sentences from the first on until they have so many pieces, or all of them. */
export function tagText(texts: readonly string[], vocabulary: Vocabulary, pieces: number): TaggedText {
  const began = performance.now();
  const sentences: EncodedSentence[] = [];
  let count = 0;
  for (const text of texts) {
    if (count >= pieces) break;
    const sentence = encodeSentence(text, vocabulary);
    sentences.push(sentence);
    count += sentence.ids.length - 2;
  }
  return { sentences, milliseconds: performance.now() - began };
}

/**
 * A packed batch: documents of `length` pieces, each joined from other sentences where there are enough of them, or the
 * first sentences as they are.
 */
export function workloadOf(
  sentences: readonly EncodedSentence[],
  length: number | typeof SENTENCES,
  batch: number,
  heads: number,
  headDim: number,
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
  return packed(sequences, heads, headDim);
}

/** The workload of some sequences, packed as they are. */
export function packed(sequences: readonly EncodedSentence[], heads: number, headDim: number): Workload {
  return {
    tags: sequences.flatMap((sequence) => tagNames(sequence)),
    lengths: sequences.map(({ tags }) => tags.length),
    sentences: sequences.flatMap(({ sentences }) => Array.from(sentences)),
    heads,
    headDim,
  };
}
