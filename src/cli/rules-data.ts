import { Option } from 'commander';
import { type DataSource, SPLITS, type Split } from '../data/dataset.js';
import { encodeTexts, requireRulesTags } from '../data/encoded-data.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { pieceTags } from '../grammar/own-tags.js';
import type { Tag } from '../grammar/rules.js';
import type { EncodedSentence } from '../grammar/tagged-pieces.js';
import { type DataFlags, textOptions } from './data-options.js';
import { dataOption } from './options.js';

/** Where `train` cuts sentences if nobody says otherwise. */
const MOST_PIECES = 128;

/** The texts that a command on rules counts pairs in, where it may do without. */
export interface RulesDataFlags extends Pick<DataFlags, 'textColumn' | 'tagsColumn'> {
  data?: string;
  split: Split;
}

export function rulesDataOptions(): Option[] {
  return [
    dataOption(),
    new Option('--split <name>', 'which part of the data').choices(SPLITS).default('train'),
    ...textOptions(),
  ];
}

/** The texts of a split, and what their tags are indexes into. */
export interface EncodedSplit {
  sentences: EncodedSentence[];
  tags: readonly Tag[];
}

/**
 * The texts of a split as a model of BERT's vocabulary reads them, of at most 128 pieces, with the tags that they bring;
 * labels are not asked for.
 * @param rules Whose tags the words carry.
 * @throws CallerError where a tag is not among them, or they are not the tagger's and a text brings none.
 */
export async function encodedSplit(
  source: DataSource,
  split: Split,
  rules: { name: string; tags: readonly Tag[] },
): Promise<EncodedSplit> {
  const texts = await source.texts(split);
  requireRulesTags(texts, rules);
  const ownTags = texts.some(({ words }) => words);
  const tags = pieceTags(rules, ownTags);
  const reading = { vocabulary: bertVocabulary(), mostPieces: MOST_PIECES, rules, tags, ownTags };
  return { sentences: encodeTexts(texts, reading).sentences, tags };
}
