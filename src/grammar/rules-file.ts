import { checkArgument, string } from '../base/argument-schemas.js';
import { modelRulesOf } from './grammar-arguments.js';
import { type HeadRules, isPerHead, type ModelRules, type RulePairs } from './head-rules.js';
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

/** Pairs as JSON, one line for each query. */
function linesByQuery(pairs: readonly TagPair[], indent: string): string {
  const lines: string[][] = [];
  let last: TagPair | undefined;
  for (const pair of pairs) {
    if (last && pair[0] === last[0]) lines[lines.length - 1].push(JSON.stringify(pair));
    else lines.push([JSON.stringify(pair)]);
    last = pair;
  }
  return `[\n${lines.map((line) => `${indent}  ${line.join(', ')}`).join(',\n')}\n${indent}]`;
}

function formatHead({ hard, soft }: RulePairs): string {
  const fields = Object.entries({ hard, soft }).filter(
    ([name, pairs]) => name === 'hard' || pairs.length > 0,
  );
  const lines = fields.map(([name, pairs]) => {
    return `        "${name}": ${pairs.length > 0 ? linesByQuery(pairs, '        ') : '[]'}`;
  });
  return `      {\n${lines.join(',\n')}\n      }`;
}

function formatHeads({ name, tags, beta, heads }: HeadRules): string {
  const layers = heads.map((layer) => `    [\n${layer.map(formatHead).join(',\n')}\n    ]`);
  return [
    '{',
    `  "name": ${JSON.stringify(name)},`,
    `  "tags": ${JSON.stringify(tags)},`,
    `  "beta": ${JSON.stringify(beta)},`,
    `  "heads": [\n${layers.join(',\n')}\n  ]`,
    '}',
    '',
  ].join('\n');
}

/** Formats rules as the text of a rules file, for `parseRules` or `parseModelRules`. */
export function formatRules(rules: ModelRules): string {
  modelRulesOf(rules);
  if (isPerHead(rules)) return formatHeads(rules);
  const lists = (pairs: readonly TagPair[]) => pairs.map((pair) => `    ${JSON.stringify(pair)}`).join(',\n');
  const list = (pairs: readonly TagPair[]) => (pairs.length > 0 ? `[\n${lists(pairs)}\n  ]` : '[]');
  return [
    '{',
    `  "name": ${JSON.stringify(rules.name)},`,
    `  "tags": ${JSON.stringify(rules.tags)},`,
    `  "beta": ${JSON.stringify(rules.beta)},`,
    `  "hard": ${list(rules.hard)},`,
    `  "soft": ${list(rules.soft)}`,
    '}',
    '',
  ].join('\n');
}
