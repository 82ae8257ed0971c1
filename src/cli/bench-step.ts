import type { Command } from 'commander';
import {
  ATTENTION_DEFAULTS,
  type AttentionSettings,
  completeAttentionSettings,
  SENTENCES,
} from '../../bench/attention-settings.js';
import { benchStep } from '../../bench/step-bench.js';
import type { Precision } from '../base/precision.js';
import { readRules } from '../data/named-rules.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { dataOf } from '../train/run-data.js';
import {
  benchmark,
  boundedOption,
  type OutputFlags,
  option,
  outputOptions,
  runBenchmark,
} from './bench-output.js';
import { storedChoicesOf } from './kernel-cache.js';
import { list } from './options.js';
import { requireTaggersTags } from './rule-texts.js';
import {
  type DataFlags,
  realNumber,
  type ShapeFlags,
  seedNumber,
  settingOption,
  shapeOf,
  shapeOptions,
} from './setting-options.js';
import { note } from './terminal.js';

type StepFlags = OutputFlags &
  ShapeFlags &
  DataFlags &
  Pick<AttentionSettings, 'lengths' | 'strategies' | 'batch' | 'repeats' | 'seed'> & {
    rules: string;
    precision: Precision;
    adapter?: string;
    tune: boolean;
  };

export function benchStepCommand(): Command {
  const { strategies, repeats } = ATTENTION_DEFAULTS;
  return benchmark(
    'step',
    "a training step per strategy and length, kernel by kernel, and the speed-up that Amdahl's law predicts",
    [
      boundedOption('lengths', '--lengths <list>', 'tokens of a document, or "sentences"').default([
        SENTENCES,
        512,
      ]),
      boundedOption(
        'batch',
        '--batch <count>',
        'sentences of a packed batch; a document is a batch by itself',
        realNumber,
      ).default(32),
      boundedOption('strategies', '--strategies <list>', `among ${strategies.join(', ')}`, list).default(
        strategies,
      ),
      boundedOption('repeats', '--repeats <count>', 'timed steps of each', realNumber).default(repeats),
      option('--seed <number>', 'of weights and order', seedNumber).default(1),
      settingOption('rules').default('paper'),
      settingOption('data').default('embedded'),
      settingOption('textColumn'),
      settingOption('labelColumn'),
      settingOption('precision').default('f32'),
      settingOption('adapter'),
      settingOption('tune'),
      ...shapeOptions(),
      ...outputOptions(),
    ],
    `  $ parsimony bench step --lengths sentences,512 --strategies none,hard
  $ parsimony bench step --data path/to/SST-2 --lengths sentences --batch 32 --json step.json`,
  ).action(run);
}

async function run(flags: StepFlags): Promise<void> {
  const { lengths, strategies, batch, repeats, seed, precision } = flags;
  const settings = { lengths, strategies, batch, repeats, seed, precision };
  completeAttentionSettings(settings);
  const shape = shapeOf(flags);
  const source = dataOf(flags, { split: 'dev' });
  const examples = await source.examples('dev');
  const ruleSet = await readRules(flags.rules);
  requireTaggersTags(ruleSet, 'bench step');
  await runBenchmark(flags, async (device, signal) => {
    return benchStep(
      device,
      { ...settings, shape },
      {
        data: flags.data,
        examples,
        classes: source.classes.length,
        vocabulary: bertVocabulary(),
        rules: ruleSet,
        kernels: await storedChoicesOf(device, flags.tune, [flags.hidden / flags.heads]),
        signal,
        onNote: note,
      },
    );
  });
}
