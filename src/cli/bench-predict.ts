import type { Command } from 'commander';
import { ATTENTION_DEFAULTS, completeAttentionSettings } from '../../bench/attention-settings.js';
import { H200 } from '../../bench/h200.js';
import { predictRows, predictTable } from '../../bench/predict-bench.js';
import { WIDE_ON_GPU } from '../attention/families/wide.js';
import { expectedTiles } from '../attention/kernel-choices.js';
import type { Split } from '../data/dataset.js';
import { readRules } from '../data/named-rules.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import type { Strategy } from '../grammar/rules.js';
import type { TileChooser } from '../plan/tiles.js';
import { dataOf } from '../train/run-data.js';
import { benchmark, boundedOption, option, printBenchTable } from './bench-output.js';
import { list, numbers } from './options.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { type DataFlags, settingOption, splitOption, textOptions, wholeNumber } from './setting-options.js';

interface PredictFlags extends DataFlags {
  lengths: number[];
  batches: number[];
  heads: number;
  strategies: Strategy[];
  rules: string;
  split: Split;
  json?: JsonTarget;
}

export function benchPredictCommand(): Command {
  return benchmark(
    'predict',
    "what a model of a GPU's schedule predicts for the planner's tiles; needs no GPU",
    [
      boundedOption('lengths', '--lengths <list>', 'tokens of a document').default([
        128, 512, 1024, 2048, 4096, 16_384,
      ]),
      option('--batches <list>', 'sequences of a packed batch', numbers).default([1]),
      option('--heads <count>', 'attention heads of 64', wholeNumber(1, 1024)).default(8),
      option('--strategies <list>', `among ${ATTENTION_DEFAULTS.strategies.join(', ')}`, list).default([
        'hard',
      ]),
      settingOption('rules').default('paper'),
      settingOption('data').default('embedded'),
      splitOption('train'),
      ...textOptions(),
      jsonOption(),
    ],
    '  $ parsimony bench predict --data path/to/SST-2 --batches 1,8',
  ).action(async (flags: PredictFlags) => {
    const { lengths, batches, heads, strategies, data, split, json } = flags;
    for (const batch of batches) completeAttentionSettings({ lengths, batch, strategies }, 'bench predict');
    const rules = await readRules(flags.rules);
    const texts = await dataOf(flags, { split, tags: rules.tags }).texts(split);
    const tiles: TileChooser = (kind, sequences, isFull) =>
      expectedTiles(WIDE_ON_GPU, kind, sequences, isFull);
    const inputs = { texts, vocabulary: bertVocabulary(), rules, tiles };
    const settings = { lengths, batches, heads, strategies };
    const rows = predictRows(H200, settings, inputs);
    const result = { kind: 'predict', machine: H200, settings: { ...settings, data, split }, rows };
    if (!(await wroteJson(json, result))) printBenchTable(predictTable(H200, rows));
  });
}
