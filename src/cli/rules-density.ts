import { Command, InvalidArgumentError, Option } from 'commander';
import { SPLITS, type Split } from '../data/dataset.js';
import { dataSource } from '../data/sources.js';
import { type RuleDensity, ruleDensity } from '../train/rule-density.js';
import { dataOption, jsonOption, list, readModelRules } from './options.js';
import { encodedSplit } from './rules-data.js';
import { percent, print, printJson, printTable } from './terminal.js';

const STRATEGIES = ['hard', 'guided'] as const;

interface DensityFlags {
  data: string;
  splits: Split[];
  json?: boolean;
}

const EXAMPLE = `
Example:
  $ parsimony rules density paper --data embedded
  $ parsimony rules density sepllm --data path/to/SST-2 --splits dev`;

function splits(text: string): Split[] {
  return list(text).map((name) => {
    const split = SPLITS.find((known) => known === name);
    if (split) return split;
    throw new InvalidArgumentError(`expected some of: ${SPLITS.join(', ')}`);
  });
}

/** `parsimony rules density` */
export function rulesDensityCommand(): Command {
  return new Command('density')
    .description('the share of all pairs that a rule set allows in some texts')
    .argument('<rules>', "a preset's name or a rules file; within a scope: paper@sentence")
    .addOption(dataOption().makeOptionMandatory())
    .addOption(
      new Option('--splits <list>', 'parts of the data')
        .argParser(splits)
        .default(['train', 'dev'], 'train,dev'),
    )
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(density);
}

async function density(name: string, flags: DensityFlags): Promise<void> {
  const rules = await readModelRules(name);
  const source = dataSource(flags.data);
  const results: (RuleDensity & { split: Split; strategy: string })[] = [];
  for (const split of flags.splits) {
    const sentences = await encodedSplit(source, split);
    for (const strategy of STRATEGIES)
      results.push({ split, strategy, ...ruleDensity(rules, strategy, sentences) });
  }
  if (flags.json) {
    printJson({ rules: rules.name, data: source.name, densities: results });
    return;
  }
  print(`Rules "${rules.name}" on ${source.name}: the share of all pairs that exist`);
  print();
  printTable(
    ['split', 'strategy', 'pairs', 'density'],
    results.map(({ split, strategy, pairs, density: share }) => [split, strategy, pairs, percent(share)]),
  );
  print();
  print('Of the pairs of a query tag:');
  print();
  const tags = [...new Set(results.flatMap((result) => result.tags.map(({ tag }) => tag)))];
  printTable(
    ['tag', ...results.map(({ split, strategy }) => `${split} ${strategy}`)],
    tags.map((tag) => [
      String(tag),
      ...results.map((result) => {
        const own = result.tags.find((each) => each.tag === tag);
        return own ? percent(own.density) : '–';
      }),
    ]),
  );
}
