/** A `tokenizer.json` of Hugging Face's as BERT's uncased models have it, with nothing after the pieces. */
export function bertTokenizerJson(
  pieces: readonly string[],
  added: readonly object[],
  normalizer: object,
): object;
