import { Command } from 'commander';
import { readModelRules } from '../data/named-rules.js';
import { isPerHead, ruleSetsOf } from '../grammar/head-rules.js';
import { MATRIX_LEGEND, meetingTags, ruleMatrix } from '../grammar/rule-matrix.js';
import type { Tag } from '../grammar/rules.js';
import type { TagPairCounts } from '../grammar/tag-pair-counts.js';
import { tagNames } from '../grammar/tagged-tokenizer.js';
import { percent } from '../report/page/numbers.js';
import { dataOf } from '../train/run-data.js';
import { pairsOf } from '../train/sparsity.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { type EncodedSplit, encodedSplit, type RulesDataFlags, rulesDataOptions } from './rule-texts.js';
import { withOptions } from './setting-options.js';
import { print, printTable } from './terminal.js';

interface ShowFlags extends RulesDataFlags {
  json?: JsonTarget;
}

const EXAMPLE = `
Example:
  $ parsimony rules show paper@sentence
  $ parsimony rules show rules.json --data path/to/SST-2`;

export function rulesShowCommand(): Command {
  const command = new Command('show')
    .description('print a rule set as a matrix: who looks at whom')
    .argument('<rules>', "a preset's name or a rules file; within a scope: paper@sentence");
  return withOptions(command, ...rulesDataOptions(), jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(show);
}

/** How often tags and pairs of tags occur in some texts. */
interface TextShares {
  tokens: number;
  /** For each tag, its share of the tokens. */
  frequency: Map<Tag, number>;
  pairs: TagPairCounts;
}

function sharesOf({ sentences, tags }: EncodedSplit): TextShares {
  const counts = new Map<Tag, number>();
  let tokens = 0;
  for (const sentence of sentences) {
    tokens += sentence.tags.length;
    for (const tag of tagNames(sentence, tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  const frequency = new Map([...counts].map(([tag, count]) => [tag, count / tokens]));
  return { tokens, frequency, pairs: pairsOf(sentences, tags) };
}

async function show(name: string, flags: ShowFlags): Promise<void> {
  const rules = await readModelRules(name);
  const source =
    flags.data === undefined
      ? undefined
      : dataOf({ ...flags, data: flags.data }, { tags: rules.tags, split: flags.split });
  const shares = source && sharesOf(await encodedSplit(source, flags.split, rules));
  const { tags, beta } = rules;
  const sets = ruleSetsOf(rules).flatMap((heads, layer) =>
    heads.map((each, head) => ({ ...(isPerHead(rules) && { layer, head }), each })),
  );
  const data = shares && {
    source: source!.name,
    split: flags.split,
    tokens: shares.tokens,
    pairs: shares.pairs.total,
    frequency: tags.map((tag) => shares.frequency.get(tag) ?? 0),
    pairShares: tags.map((query) => tags.map((key) => shares.pairs.of(query, key) / shares.pairs.total)),
  };
  const listed = sets.map(({ each: { hard, soft }, ...position }) => ({ ...position, hard, soft }));
  const json = { name: rules.name, beta, tags, rules: listed, ...(data && { data }) };
  if (await wroteJson(flags.json, json)) return;
  const shown = meetingTags(tags, shares && new Set(shares.frequency.keys()));
  print(`Rules "${rules.name}", query tags down, key tags across`);
  for (const { layer, head, each } of sets) {
    print();
    if (layer !== undefined) print(`layer ${layer}, head ${head}`);
    const matrix = ruleMatrix(each);
    printTable(
      ['', ...shown.map((at) => String(tags[at]))],
      shown.map((row) => [String(tags[row]), ...shown.map((key) => matrix[row][key])]),
    );
  }
  print();
  print(`${MATRIX_LEGEND}. A soft rule adds ${beta}.`);
  const shownTags = shown.map((at) => tags[at]);
  if (shares) printShares(shownTags, shares, source!.nameOf(flags.split));
}

function printShares(tags: readonly Tag[], { tokens, frequency, pairs }: TextShares, texts: string): void {
  print();
  print(`${texts}: % of its ${tokens} tokens with a tag, and of its ${pairs.total} pairs with two`);
  print();
  const cell = (share: number) => (share === 0 ? '–' : (100 * share).toFixed(1));
  printTable(
    ['', 'tokens', ...tags.map(String)],
    tags.map((query) => [
      String(query),
      percent(frequency.get(query) ?? 0),
      ...tags.map((key) => cell(pairs.of(query, key) / pairs.total)),
    ]),
  );
}
