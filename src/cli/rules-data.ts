import type { Option } from 'commander';
import type { DataSource, Split } from '../data/dataset.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { requireRulesTags } from '../grammar/custom-tags.js';
import type { Tag } from '../grammar/rules.js';
import { TaggedTokenizer, type TaggedTokens } from '../grammar/tagged-tokenizer.js';
import { type DataFlags, settingOption, splitOption, textOptions } from './setting-options.js';

/** The default of `train`. */
const MAX_LENGTH = 128;

/** The texts that a command on rules counts pairs in, where it may do without. */
export interface RulesDataFlags extends Pick<DataFlags, 'textColumn' | 'tagsColumn'> {
  data?: string;
  split: Split;
}

export function rulesDataOptions(): Option[] {
  return [settingOption('data'), splitOption('train'), ...textOptions()];
}

/** The texts of a split, and what their tags are indexes into. */
export interface EncodedSplit {
  sentences: TaggedTokens[];
  tags: readonly Tag[];
}

/**
 * The texts of a split as a model of BERT's vocabulary reads them, of at most 128 tokens, with the tags that they bring;
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
  const customTags = texts.some(({ words }) => words);
  const options = { vocabulary: bertVocabulary(), maxLength: MAX_LENGTH, customTags };
  const tokenizer = new TaggedTokenizer(options, rules.tags);
  return { sentences: tokenizer.encode(texts), tags: tokenizer.tags };
}
