import type { Tag } from './rules.js';

/** What the universal part-of-speech tags and BERT's special tokens mean (universaldependencies.org/u/pos). */
const MEANINGS: Readonly<Record<string, string>> = {
  ADJ: 'adjective: big, funny',
  ADP: 'adposition: in, of, to',
  ADV: 'adverb: very, often',
  AUX: 'auxiliary verb: is, has, can',
  CCONJ: 'coordinating conjunction: and, but',
  DET: 'determiner: a, the, this',
  INTJ: 'interjection: oh, wow',
  NOUN: 'noun: film, story',
  NUM: 'number: two, 1999',
  PART: 'particle: not, ’s, to before a verb',
  PRON: 'pronoun: it, who, nobody',
  PROPN: 'proper noun: Paris, Hitchcock',
  PUNCT: 'punctuation',
  SCONJ: 'subordinating conjunction: while, that, if',
  SYM: 'symbol: $, %',
  VERB: 'verb: follows, see',
  X: 'other: foreign words, typing errors',
  '[CLS]': 'the token before the text, from which the model predicts',
  '[SEP]': 'the token after the text',
  '[PAD]': 'padding',
};

/** A tag spelled out; the tag itself where it is not a universal one. */
export function tagMeaning(tag: Tag): string {
  return Object.hasOwn(MEANINGS, tag) ? MEANINGS[tag] : String(tag);
}
