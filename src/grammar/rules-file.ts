import { checkArgument, string } from '../base/argument-schemas.js';
import { modelRulesOf } from './grammar-arguments.js';
import { isPerHead, type ModelRules, type RulePairs } from './head-rules.js';
import type { RuleSet, TagPair } from './rules.js';
import { RulesReader } from './rules-reader.js';

/**
 * Parses a rules file:
 *
 *     { "name": "nouns first", "tags": ["ADJ", "NOUN", "[CLS]"], "beta": 5,
 *       "hard": { "ADJ": ["NOUN"], "*": ["="], "[CLS]": ["*"] }, "soft": [["NOUN", "ADJ"]] }
 *
 * `*` is every tag, `=` the query's tag. "tags" defaults to the universal tags and BERT's special tokens. A rule reaches
 * over the whole document unless it has a scope: `["NOUN", "ADJ", "sentence"]`, `{ "NOUN": [{ "tag": "ADJ",
 * "scope": 128 }] }`. A field "scope" next to "hard" is the scope of every rule that has none.
 *
 * @param file The file's name in errors.
 * @throws CallerError with file and line for an invalid file or an unknown tag.
 */
export function parseRules(text: string, file = 'rules'): RuleSet {
  checkArgument(string, text, 'text');
  return new RulesReader(text, file).read(true) as RuleSet;
}

/**
 * Parses a rules file that may have rules for each head of a model, layer by layer, instead of "hard" and "soft":
 *
 *     { "name": "two layers of two heads", "tags": ["ADJ", "NOUN", "[CLS]"], "beta": 5,
 *       "heads": [[{ "hard": { "*": ["="] } }, { "hard": [["ADJ", "NOUN"]], "soft": [["NOUN", "ADJ"]] }],
 *                 [{ "hard": { "*": ["*"] } }, { "hard": [["*", "=", 4]] }]] }
 *
 * Every layer has the same number of heads. A field "scope" next to "heads" is the scope of every rule that has none.
 *
 * @param file The file's name in errors.
 * @throws CallerError as `parseRules` does, and where layers have different numbers of heads.
 */
export function parseModelRules(text: string, file = 'rules'): ModelRules {
  checkArgument(string, text, 'text');
  return new RulesReader(text, file).read(false);
}

/** A JSON list of pairs, one line for each group. */
function formatPairs(groups: readonly (readonly TagPair[])[], indent: string): string {
  if (groups.length === 0) return '[]';
  const lines = groups.map((pairs) => pairs.map((pair) => JSON.stringify(pair)).join(', '));
  return `[\n${lines.map((line) => `${indent}  ${line}`).join(',\n')}\n${indent}]`;
}

/** Groups consecutive pairs of the same query. */
function byQuery(pairs: readonly TagPair[]): TagPair[][] {
  const groups: TagPair[][] = [];
  for (const pair of pairs) {
    const last = groups.at(-1);
    if (last?.[0][0] === pair[0]) last.push(pair);
    else groups.push([pair]);
  }
  return groups;
}

function formatHead({ hard, soft }: RulePairs): string {
  const indent = ' '.repeat(8);
  const lines = [`${indent}"hard": ${formatPairs(byQuery(hard), indent)}`];
  if (soft.length > 0) lines.push(`${indent}"soft": ${formatPairs(byQuery(soft), indent)}`);
  return `      {\n${lines.join(',\n')}\n      }`;
}

/** Formats rules as the text of a rules file, for `parseRules` or `parseModelRules`. */
export function formatRules(rules: ModelRules): string {
  modelRulesOf(rules);
  const { name, tags, beta } = rules;
  const fields = Object.entries({ name, tags, beta }).map(
    ([key, value]) => `"${key}": ${JSON.stringify(value)}`,
  );
  if (isPerHead(rules)) {
    const layers = rules.heads.map((layer) => `    [\n${layer.map(formatHead).join(',\n')}\n    ]`);
    fields.push(`"heads": [\n${layers.join(',\n')}\n  ]`);
  } else {
    const list = (pairs: readonly TagPair[]) =>
      formatPairs(
        pairs.map((pair) => [pair]),
        '  ',
      );
    fields.push(`"hard": ${list(rules.hard)}`, `"soft": ${list(rules.soft)}`);
  }
  return `{\n${fields.map((field) => `  ${field}`).join(',\n')}\n}\n`;
}
