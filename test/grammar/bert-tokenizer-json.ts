import { bertTokenizerJson as withoutDecoder } from '../../scripts/bert-tokenizer-json.mjs';

/**
 * A `tokenizer.json` of Hugging Face's as BERT's uncased models have it.
 * @param tokens The tokens by id.
 * @param added The list `added_tokens`.
 * @param normalizer The fields that differ from an uncased model's.
 */
export function bertTokenizerJson(
  tokens: readonly string[],
  added: readonly object[],
  normalizer: object = {},
): object {
  const decoder = { type: 'WordPiece', prefix: '##', cleanup: true };
  return { ...withoutDecoder(tokens, added, normalizer), post_processor: null, decoder };
}
