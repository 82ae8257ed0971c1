/** The 17 universal part-of-speech tags, in the order of Universal Dependencies. */
export const UNIVERSAL_TAGS = [
  'ADJ',
  'ADP',
  'ADV',
  'AUX',
  'CCONJ',
  'DET',
  'INTJ',
  'NOUN',
  'NUM',
  'PART',
  'PRON',
  'PROPN',
  'PUNCT',
  'SCONJ',
  'SYM',
  'VERB',
  'X',
] as const;

/** The tags of BERT's special tokens. */
export const SPECIAL_TAGS = ['[CLS]', '[SEP]', '[PAD]'] as const;

/** The tags of tokens that wink-nlp tags. */
export const TOKEN_TAGS = [...UNIVERSAL_TAGS, ...SPECIAL_TAGS] as const;

export type TokenTag = (typeof TOKEN_TAGS)[number];
