import { TaggedTokenizer, type TaggedTokens } from '../../src/grammar/tagged-tokenizer.js';
import type { Vocabulary } from '../../src/grammar/vocabulary.js';

/** The tokens of a text with wink-nlp's tags. */
export function taggedTokens(text: string, vocabulary: Vocabulary, maxLength?: number) {
  return new TaggedTokenizer({ vocabulary, maxLength }).tokens(text);
}

/** The same in numbers. */
export function encodedText(text: string, vocabulary: Vocabulary, maxLength?: number): TaggedTokens {
  return new TaggedTokenizer({ vocabulary, maxLength }).encode([text])[0];
}
