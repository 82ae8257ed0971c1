import { Command } from 'commander';
import { readModelRules } from '../data/named-rules.js';
import type { ModelRules } from '../grammar/head-rules.js';
import { type HeadChanges, headChanges, type RuleChange } from '../grammar/rule-difference.js';
import { reachText } from '../grammar/rule-matrix.js';
import type { TagPairCounts } from '../grammar/tag-pair-counts.js';
import { percent } from '../report/page/numbers.js';
import { dataOf } from '../train/run-data.js';
import { pairsOf } from '../train/sparsity.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { encodedSplit, type RulesDataFlags, rulesDataOptions } from './rule-texts.js';
import { withOptions } from './setting-options.js';
import { print, printTable } from './terminal.js';

interface DiffFlags extends RulesDataFlags {
  json?: JsonTarget;
}

const EXAMPLE = `
Example:
  $ parsimony rules diff paper floor
  $ parsimony rules diff paper rules.json --data path/to/SST-2`;

export function rulesDiffCommand(): Command {
  const command = new Command('diff')
    .description('what one rule set allows and another does not')
    .argument('<a>', "a preset's name or a rules file")
    .argument('<b>', 'another');
  return withOptions(command, ...rulesDataOptions(), jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(diff);
}

async function diff(nameA: string, nameB: string, flags: DiffFlags): Promise<void> {
  const [a, b] = [await readModelRules(nameA), await readModelRules(nameB)];
  const heads = headChanges(a, b);
  const { data, split } = flags;
  const both = { name: `${a.name}, ${b.name}`, tags: [...new Set([...a.tags, ...b.tags])] };
  const texts =
    data === undefined
      ? undefined
      : await encodedSplit(dataOf({ ...flags, data }, { tags: both.tags, split }), split, both);
  const pairs = texts && pairsOf(texts.sentences, texts.tags);
  if (!(await wroteJson(flags.json, asJson(a, b, heads, pairs)))) printChanges(a, b, heads, pairs);
}

function whatChanged({ reach: [a, b] }: RuleChange): 'only in A' | 'only in B' | 'scope' {
  if (a === undefined) return 'only in B';
  return b === undefined ? 'only in A' : 'scope';
}

function shareOf({ query, key }: RuleChange, pairs: TagPairCounts): number {
  return pairs.of(query, key) / pairs.total;
}

function asJson(a: ModelRules, b: ModelRules, heads: HeadChanges[], pairs: TagPairCounts | undefined) {
  const changes = heads.flatMap(({ changes: ofHead, ...position }) =>
    ofHead.map((change) => ({
      ...position,
      change: whatChanged(change),
      kind: change.kind,
      query: change.query,
      key: change.key,
      scopes: change.reach.map((reach) => (reach === undefined ? null : reachText(reach))),
      ...(pairs && { share: shareOf(change, pairs) }),
    })),
  );
  return { a: a.name, b: b.name, beta: [a.beta, b.beta], changes };
}

function printChanges(
  a: ModelRules,
  b: ModelRules,
  heads: HeadChanges[],
  pairs: TagPairCounts | undefined,
): void {
  print(`A: "${a.name}", B: "${b.name}"`);
  if (a.beta !== b.beta) print(`A soft rule adds ${a.beta} in A, ${b.beta} in B.`);
  const perHead = heads.some(({ layer }) => layer !== undefined);
  const rows = heads.flatMap(({ layer, head, changes }) =>
    changes.map((change) => [
      ...(perHead ? [layer!, head!] : []),
      whatChanged(change),
      change.kind,
      `${change.query} -> ${change.key}`,
      ...change.reach.map((reach) => (reach === undefined ? '–' : reachText(reach))),
      ...(pairs ? [percent(shareOf(change, pairs))] : []),
    ]),
  );
  if (rows.length === 0) {
    print('Both have the same rules.');
    return;
  }
  print();
  const headColumns = perHead ? ['layer', 'head'] : [];
  printTable(
    [...headColumns, 'change', 'kind', 'rule', 'in A', 'in B', ...(pairs ? ['of all pairs'] : [])],
    rows,
  );
}
