import type { Option } from 'commander';
import { tagsOfAll } from '../../bench/workload.js';
import { CallerError } from '../base/errors.js';
import type { DataSource, Split } from '../data/dataset.js';
import { readModelRules } from '../data/named-rules.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { areUniversal, requireRulesTags, type Text } from '../grammar/custom-tags.js';
import type { ModelRules } from '../grammar/head-rules.js';
import { PAPER_RULES } from '../grammar/presets.js';
import type { RuleSet, Tag } from '../grammar/rules.js';
import { TaggedTokenizer, type TaggedTokens } from '../grammar/tagged-tokenizer.js';
import { drawnRules, drawRules } from '../train/control-rules.js';
import { dataOf } from '../train/run-data.js';
import { SETTING_DEFAULTS } from '../train/settings.js';
import { type DataFlags, settingOption, splitOption, textOptions } from './setting-options.js';

/** The optional texts in which a command on rules counts pairs. */
export interface RulesDataFlags extends Pick<DataFlags, 'textColumn' | 'tagsColumn'> {
  data?: string;
  split: Split;
}

export function rulesDataOptions(): Option[] {
  return [settingOption('data'), splitOption('train'), ...textOptions()];
}

/** The texts of a split, and the tags that their indexes refer to. */
export interface EncodedSplit {
  sentences: TaggedTokens[];
  tags: readonly Tag[];
}

/**
 * The texts of a split as a model of BERT's vocabulary reads them, of at most 128 tokens, with their custom tags.
 * Labels are not needed.
 * @param rules Whose tags the words carry.
 * @throws CallerError where a tag is not among them, or a text has no tags and the rules' tags are not the tagger's.
 */
export async function encodedSplit(
  source: DataSource,
  split: Split,
  rules: { name: string; tags: readonly Tag[] },
): Promise<EncodedSplit> {
  const texts = await source.texts(split);
  requireRulesTags(texts, rules);
  const customTags = texts.some(({ words }) => words);
  const options = { vocabulary: bertVocabulary(), maxLength: SETTING_DEFAULTS.maxLength, customTags };
  const tokenizer = new TaggedTokenizer(options, rules.tags);
  return { sentences: tokenizer.encode(texts), tags: tokenizer.tags };
}

/**
 * Rules by name, and the data that they are for. Rules that have to be drawn are drawn for a split of these, `random` and `permuted`
 * with the default seed.
 * @throws CallerError where either cannot be read.
 */
export async function rulesAndData(
  name: string,
  flags: Pick<DataFlags, 'data' | 'dev' | 'test' | 'textColumn' | 'tagsColumn'>,
  split: Split,
): Promise<{ rules: ModelRules; source: DataSource }> {
  const drawn = drawnRules(name, SETTING_DEFAULTS.seed);
  const written = drawn ? PAPER_RULES : await readModelRules(name);
  const source = dataOf(flags, { tags: written.tags, split });
  if (!drawn) return { rules: written, source };
  const texts = await source.texts(split);
  const customTags = texts.some(({ words }) => words);
  const options = { vocabulary: bertVocabulary(), maxLength: SETTING_DEFAULTS.maxLength, customTags };
  return { rules: drawRules(drawn, texts, options), source };
}

/**
 * The texts of documents, with their custom tags.
 * @throws CallerError where a tag is unknown to one of the rule sets, or the rules need custom tags and a text has none.
 */
export async function benchTexts(flags: DataFlags, rules: readonly RuleSet[]): Promise<Text[]> {
  const source = dataOf(flags, { split: 'dev', tags: tagsOfAll(rules) });
  const texts = await source.texts('dev');
  for (const set of rules) requireRulesTags(texts, set);
  return texts;
}

/** @throws CallerError for rules about tags that the tagger does not give, where only its tags are read. */
export function requireTaggersTags(rules: RuleSet, command: string): void {
  if (areUniversal(rules.tags)) return;
  throw new CallerError({
    what: `rules "${rules.name}" are about tags that the tagger does not give`,
    where: command,
    expected: 'rules about universal tags: it reads no others',
    remedy: "measure them with bench attention, which reads the data's own tags",
  });
}
