import * as v from 'valibot';
import { checkArgument, number, objectWith, options } from '../base/argument-schemas.js';
import type { ModelRules } from './head-rules.js';
import { presetRules } from './presets.js';
import type { Vocabulary } from './vocabulary.js';

export const vocabulary = objectWith<Vocabulary>('a Vocabulary', 'idOf', 'has', 'toText');

const tag = v.union([v.string(), v.number()], 'a tag: a text or an integer');
const tags = v.array(tag, 'a list of tags');

const words = v.optional(
  v.array(
    options(
      { start: number, end: number, tag, sentence: v.optional(number) },
      'a word with start, end and tag',
    ),
    'a list of words',
  ),
);
/** The fields of a `Text`. */
export const textFields = { text: v.string('a text'), words };
const TEXT = 'a text, or an object with one';
const textOrString = v.union([v.string(), options(textFields, TEXT)], TEXT);
const textList = v.array(textOrString, 'a list of texts');

const pairs = v.array(v.array(v.unknown(), 'a pair of tags'), 'a list of pairs of tags');
const common = { name: v.string('a name'), tags, beta: number };
const RULES = 'the name of a preset, or rules as parseRules returns them';
const ruleSet = options({ ...common, hard: pairs, soft: pairs }, RULES);
const head = options({ hard: pairs, soft: pairs }, 'the rules of a head');
const headRules = options({
  ...common,
  heads: v.array(v.array(head, 'the heads of a layer'), 'a list of layers'),
});

/** @throws CallerError for a value that is not a text. */
export function checkText(value: unknown, name: string): void {
  checkArgument(textOrString, value, name);
}

/** @throws CallerError for a value that is not a list of texts. */
export function checkTexts(texts: unknown, name: string): void {
  checkArgument(textList, texts, name);
}

/** Rules from a preset's name, or checked rules. @throws CallerError for an unknown name or a value that is not rules. */
export function modelRulesOf(rules: string | ModelRules, name = 'rules'): ModelRules {
  if (typeof rules === 'string') return presetRules(rules);
  const isPerHead = typeof rules === 'object' && rules !== null && 'heads' in rules;
  checkArgument(isPerHead ? headRules : ruleSet, rules, name);
  return rules;
}
