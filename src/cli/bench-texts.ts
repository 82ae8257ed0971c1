import { tagsOfAll } from '../../bench/workload.js';
import { CallerError } from '../base/errors.js';
import { areUniversal, requireRulesTags, type Text } from '../grammar/custom-tags.js';
import type { RuleSet } from '../grammar/rules.js';
import { dataOf } from '../train/prepare-run.js';
import type { DataFlags } from './setting-options.js';

/**
 * The texts that documents are made of, with the tags that they bring.
 * @throws CallerError where a tag is unknown to one of the rule sets, or these need tags and a text brings none.
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
