import { type EncodedSentence, encodeSentence } from '../grammar/tagged-pieces.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import type { Example } from './dataset.js';

/** Examples as a model reads them: sentence i has label i. */
export interface EncodedData {
  sentences: EncodedSentence[];
  labels: Uint32Array;
}

/** Splits and tags every example once; each sentence is cut at `mostPieces` pieces, [CLS] and [SEP] included. */
export function encodeExamples(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  mostPieces: number,
): EncodedData {
  return {
    sentences: examples.map(({ text }) => encodeSentence(text, vocabulary, mostPieces)),
    labels: Uint32Array.from(examples, ({ label }) => label),
  };
}
