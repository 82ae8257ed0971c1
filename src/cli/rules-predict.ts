import { Command, InvalidArgumentError, Option } from 'commander';
import { CallerError } from '../base/errors.js';
import { MOST_LAYERS } from '../grammar/head-rules.js';
import { MODEL_SIZES } from '../nn/model-config.js';
import { type DecidingPair, type PairReach, predictReach } from '../plan/reach.js';
import { percent } from '../report/page/numbers.js';
import { ruleDensity } from '../train/rule-density.js';
import { option } from './bench-output.js';
import { list } from './options.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { encodedSplit, rulesAndData } from './rule-texts.js';
import { type DataFlags, settingOption, textOptions, wholeNumber, withOptions } from './setting-options.js';
import { print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony rules predict "paper readout:VERB" "paper readout:VERB +VERB:PART" --data grampair:negation --layers 3
  $ parsimony rules predict paper "permuted:1" --data path/to/SST-2 --pairs VERB:NOUN,NOUN:ADJ

"readout:VERB" lets [CLS] see only itself and verbs. A prediction says what a model can use, not that it learns to.`;

interface PredictFlags extends Pick<DataFlags, 'data' | 'textColumn' | 'tagsColumn'> {
  pairs?: [string, string][];
  readout: string;
  layers: number;
  strategy: 'hard' | 'guided';
  json?: JsonTarget;
}

function pairs(text: string): [string, string][] {
  return list(text).map((pair) => {
    const [, query, key] = /^([^:]+):(.+)$/.exec(pair) ?? [];
    if (query) return [query, key];
    throw new InvalidArgumentError('expected pairs of a query tag and a key tag: VERB:NOUN,NOUN:ADJ');
  });
}

export function rulesPredictCommand(): Command {
  const command = new Command('predict')
    .description("predict before training whether a model can use the pairs that decide a task's labels")
    .argument(
      '<rules...>',
      "presets' names, rules files, random or permuted:7; with edits: 'paper +VERB:PART'",
    );
  return withOptions(
    command,
    settingOption('data').makeOptionMandatory(),
    option('--pairs <list>', "query:key, tags that decide (default: the data's)", pairs),
    new Option('--readout <tag>', 'of the token whose last row is classified').default('[CLS]'),
    option('--layers <count>', 'of the model', wholeNumber(1, MOST_LAYERS)).default(MODEL_SIZES.tiny.layers),
    new Option('--strategy <name>', 'how rules act').choices(['hard', 'guided']).default('hard'),
    ...[...textOptions(), jsonOption()],
  )
    .addHelpText('after', EXAMPLE)
    .action(predict);
}

/** The pairs of --pairs, or of the data. @throws CallerError where neither has any. */
function decidingPairs(
  flags: PredictFlags,
  ofData: readonly DecidingPair[] | undefined,
): readonly DecidingPair[] {
  const pairsToReach = flags.pairs ?? ofData;
  if (pairsToReach) return pairsToReach;
  throw new CallerError({
    what: 'no deciding pairs',
    where: `--data ${flags.data}`,
    expected: '--pairs VERB:NOUN,NOUN:ADJ, or data that know theirs: grampair:negation',
  });
}

function reachText({ isRule, layers }: PairReach): string {
  if (layers === undefined) return isRule ? 'rule, not reached' : 'not reached';
  return `${isRule ? 'rule' : 'by others'}, ${layers} layer${layers === 1 ? '' : 's'}`;
}

async function predict(names: readonly string[], flags: PredictFlags): Promise<void> {
  const { layers, strategy } = flags;
  const results = [];
  for (const name of names) {
    const { rules, source } = await rulesAndData(name, flags, 'train');
    const prediction = predictReach(rules, decidingPairs(flags, source.pairs), flags);
    const { sentences, tags } = await encodedSplit(source, 'train', rules);
    const { density, closure } = ruleDensity(rules, strategy, sentences, tags, layers);
    results.push({ rules: name, density, closure, ...prediction });
  }
  const json = { data: flags.data, layers, strategy, readout: flags.readout, predictions: results };
  if (await wroteJson(flags.json, json)) return;
  const [first] = results;
  printTable(
    [
      'rules',
      'density',
      `closure, ${layers} layer${layers === 1 ? '' : 's'}`,
      ...first.pairs.map(({ query, key }) => `${query} -> ${key}`),
      'can use them',
    ],
    results.map((each) => [
      each.rules,
      percent(each.density),
      percent(each.closure.at(-1)!),
      ...each.pairs.map(reachText),
      each.isReached ? 'yes' : 'no',
    ]),
  );
  print(`Layers after which the row of ${flags.readout} depends on both tags of a pair, of ${layers}.`);
}
