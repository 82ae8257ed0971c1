import { NO_SENTENCE } from '../src/grammar/scope.js';
import type { TaggedTokens } from '../src/grammar/tagged-tokenizer.js';

/**
 * Joins encoded sentences to one document of exactly `length` tokens: [CLS], the sentences without their own special
 * tokens, [SEP]. Sentences are used from the first on, and again from the first where they do not suffice. Each of the
 * sentences is one, whatever a tagger would split it into.
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
