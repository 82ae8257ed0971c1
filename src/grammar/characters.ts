/** White space, as BERT's tokenizer and ours know it, once what `IGNORED` names is gone. */
export const SPACE = /\s/u;

/**
 * What BERT's tokenizer drops from a text: control characters, formats, surrogates; not what Unicode has not assigned yet,
 * which is an unknown piece.
 */
export const IGNORED = /[\p{Cf}\p{Co}\p{Cs}\ufffd]|(?![\t\n\r])\p{Cc}/u;
