import type { Command } from 'commander';
import { readRules } from '../data/named-rules.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { encodeTokens, TaggedTokenizer } from '../grammar/tagged-tokenizer.js';
import { closureOf, densityOf } from '../plan/closure.js';
import { AttentionMask } from '../plan/mask.js';
import { COUNTING_TILE } from '../plan/tiles.js';
import { percent } from '../report/page/numbers.js';
import { Planner } from '../train/planner.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { settingOption } from './setting-options.js';
import { print, printTable } from './terminal.js';

/** Layers of the closure. */
const CLOSURE_LAYERS = 3;

const EXAMPLE = `
Example:
  $ parsimony tag "it 's a charming and often affecting journey ."`;

export function tagCommand(command: Command): void {
  command
    .argument('<text>', 'English text')
    .addOption(settingOption('rules').default('paper'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(tag);
}

async function tag(text: string, flags: { rules: string; json?: JsonTarget }): Promise<void> {
  const rules = await readRules(flags.rules);
  const tokens = new TaggedTokenizer({ vocabulary: bertVocabulary() }).tokens(text);
  const planner = new Planner(AttentionMask.fromRules(rules), () => COUNTING_TILE);
  const layout = planner.layout([encodeTokens(tokens)]);
  const { pairCounts } = layout;
  const closure = closureOf(layout, CLOSURE_LAYERS);
  const density = densityOf(layout);
  const listed = tokens.map(({ text: token, id, tag, start, end }) => ({ token, id, tag, start, end }));
  const { dense: pairs, useful: allowedPairs } = pairCounts;
  const json = { text, rules: rules.name, tokens: listed, pairs, allowedPairs, density, closure };
  if (await wroteJson(flags.json, json)) return;
  printTable(
    ['token', 'tag', 'text'],
    tokens.map((token) => [token.text, String(token.tag), text.slice(token.start, token.end)]),
  );
  print();
  print(
    `The hard rules "${rules.name}" allow ${pairCounts.useful} of ${pairCounts.dense} pairs: density ${percent(density)}; after ${CLOSURE_LAYERS} layers ${percent(closure.at(-1)!)} are joined.`,
  );
}
