/** A `tokenizer.json` of Hugging Face's as BERT's uncased models have it, with nothing after the tokens. */
export function bertTokenizerJson(
  tokens: readonly string[],
  added: readonly object[],
  normalizer: object,
): object;
