import { Command, InvalidArgumentError, Option } from 'commander';
import { SPLITS, type Split } from '../data/dataset.js';
import { isNamedSource } from '../data/sources.js';
import { isFolder } from '../data/split-files.js';
import { percent } from '../report/page/numbers.js';
import { type RuleDensity, ruleDensity } from '../train/rule-density.js';
import { list } from './options.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { encodedSplit, rulesAndData } from './rule-texts.js';
import { type DataFlags, settingOption, textOptions, withOptions } from './setting-options.js';
import { print, printTable } from './terminal.js';

const STRATEGIES = ['hard', 'guided'] as const;

interface DensityFlags extends Pick<DataFlags, 'data' | 'dev' | 'test' | 'textColumn' | 'tagsColumn'> {
  splits?: Split[];
  json?: JsonTarget;
}

const EXAMPLE = `
Example:
  $ parsimony rules density paper --data embedded
  $ parsimony rules density sepllm:2 --data path/to/SST-2 --splits dev`;

function splits(text: string): Split[] {
  return list(text).map((name) => {
    const split = SPLITS.find((each) => each === name);
    if (split) return split;
    throw new InvalidArgumentError(`expected some of: ${SPLITS.join(', ')}`);
  });
}

export function rulesDensityCommand(): Command {
  const command = new Command('density')
    .description('the share of all pairs that a rule set allows in some texts')
    .argument(
      '<rules>',
      "a preset's name or a rules file; within a scope: paper@sentence; or random, permuted:7",
    );
  const parts = 'parts of the data (default: train,dev; of files: those that are named)';
  return withOptions(
    command,
    settingOption('data').makeOptionMandatory(),
    new Option('--splits <list>', parts).argParser(splits),
    ...[settingOption('dev'), settingOption('test'), ...textOptions(), jsonOption()],
  )
    .addHelpText('after', EXAMPLE)
    .action(density);
}

/** The split that the files of --data hold: that of --splits where it names one, else train. */
function splitOfFiles({ splits: asked = [] }: DensityFlags): Split {
  return asked.length === 1 ? asked[0] : 'train';
}

/** The splits of the data, where --splits does not name them. */
function splitsOf({ data, dev, test }: DensityFlags): Split[] {
  if (isFolder(data) || isNamedSource(data)) return ['train', 'dev'];
  return [
    'train',
    ...(dev === undefined ? [] : ['dev' as const]),
    ...(test === undefined ? [] : ['test' as const]),
  ];
}

async function density(name: string, flags: DensityFlags): Promise<void> {
  const { rules, source } = await rulesAndData(name, flags, splitOfFiles(flags));
  const results: (RuleDensity & { split: Split; strategy: string })[] = [];
  for (const split of flags.splits ?? splitsOf(flags)) {
    const texts = await encodedSplit(source, split, rules);
    for (const strategy of STRATEGIES)
      results.push({ split, strategy, ...ruleDensity(rules, strategy, texts.sentences, texts.tags) });
  }
  if (await wroteJson(flags.json, { rules: rules.name, data: source.name, densities: results })) return;
  print(`Rules "${rules.name}" on ${source.name}: the share of all pairs that exist`);
  print();
  printTable(
    ['split', 'strategy', 'pairs', 'density', '2 layers', '3 layers'],
    results.map(({ split, strategy, pairs, density: share, closure }) => [
      split,
      strategy,
      pairs,
      percent(share),
      ...closure.slice(1).map((joined) => percent(joined)),
    ]),
  );
  print('Layers: the share of pairs that are joined after 2 or 3 layers, through other tokens.');
  print();
  print('Of the pairs of a query tag:');
  print();
  const tags = [...new Set(results.flatMap((result) => result.tags.map(({ tag }) => tag)))];
  printTable(
    ['tag', ...results.map(({ split, strategy }) => `${split} ${strategy}`)],
    tags.map((tag) => [
      String(tag),
      ...results.map((result) => {
        const ofTag = result.tags.find((each) => each.tag === tag);
        return ofTag ? percent(ofTag.density) : '–';
      }),
    ]),
  );
}
