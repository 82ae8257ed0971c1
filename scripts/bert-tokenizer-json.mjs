/**
 * A `tokenizer.json` of Hugging Face's as BERT's uncased models have it, with nothing after the tokens.
 * @param tokens By id.
 * @param added The entries of `added_tokens`.
 * @param normalizer What differs from an uncased model's.
 */
export function bertTokenizerJson(tokens, added, normalizer) {
  return {
    version: '1.0',
    added_tokens: added,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
      ...normalizer,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
}
