import { Command, Option } from 'commander';
import { ATTENTION_DEFAULTS, completeAttentionSettings, SENTENCES } from '../../bench/attention-settings.js';
import { benchStep } from '../../bench/step-bench.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { type OutputFlags, outputOptions, runBenchmark } from './bench-output.js';
import { requireTaggersTags } from './bench-texts.js';
import { type DataFlags, dataOf, labelColumnOption, textColumnOption } from './data-options.js';
import { allKept, noTuneOption } from './kernel-cache.js';
import {
  adapterOption,
  countNumber,
  dataOption,
  list,
  numbers,
  readRules,
  rulesOption,
  type ShapeFlags,
  seedNumber,
  shapeOf,
  shapeOptions,
} from './options.js';
import { note } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony bench step --lengths sentences,512 --strategies none,hard
  $ parsimony bench step --data path/to/SST-2 --lengths sentences --batch 32 --json step.json`;

type StepFlags = OutputFlags &
  ShapeFlags &
  DataFlags & {
    lengths: (number | string)[];
    strategies: string[];
    batch: number;
    repeats: number;
    seed: number;
    rules: string;
    adapter?: string;
    tune: boolean;
  };

/** `parsimony bench step` */
export function benchStepCommand(): Command {
  const command = new Command('step')
    .description('a training step per strategy and length, kernel by kernel, beside what Amdahl predicts')
    .addOption(
      new Option('--lengths <list>', 'pieces of a document, or "sentences"')
        .argParser(numbers)
        .default([SENTENCES, 512]),
    )
    .addOption(
      new Option('--batch <count>', 'sentences of a packed batch; documents come one a batch')
        .argParser(countNumber)
        .default(32),
    )
    .addOption(
      new Option('--strategies <list>', 'among none, hard, soft, guided, learned')
        .argParser(list)
        .default(ATTENTION_DEFAULTS.strategies),
    )
    .addOption(
      new Option('--repeats <count>', 'timed steps of each')
        .argParser(countNumber)
        .default(ATTENTION_DEFAULTS.repeats),
    )
    .addOption(
      new Option('--seed <number>', 'of weights, order and intervals').argParser(seedNumber).default(1),
    )
    .addOption(rulesOption().default('paper'))
    .addOption(dataOption().default('embedded'))
    .addOption(textColumnOption())
    .addOption(labelColumnOption())
    .addOption(adapterOption())
    .addOption(noTuneOption());
  for (const option of [...shapeOptions(), ...outputOptions()]) command.addOption(option);
  return command.addHelpText('after', EXAMPLE).action(run);
}

async function run(flags: StepFlags): Promise<void> {
  const { lengths, strategies, batch, repeats, seed, rules } = completeAttentionSettings({
    lengths: flags.lengths,
    strategies: flags.strategies,
    batch: flags.batch,
    repeats: flags.repeats,
    seed: flags.seed,
    rules: [flags.rules],
  });
  const settings = { lengths, strategies, batch, repeats, seed, shape: shapeOf(flags) };
  const source = dataOf(flags, { split: 'dev' });
  const examples = await source.examples('dev');
  const ruleSet = await readRules(rules[0]);
  requireTaggersTags(ruleSet, 'bench step');
  await runBenchmark(flags, async (device, signal) => {
    return benchStep(device, settings, {
      data: flags.data,
      examples,
      classes: source.classes.length,
      vocabulary: bertVocabulary(),
      rules: ruleSet,
      kernels: await allKept(device, flags.tune, [flags.hidden / flags.heads]),
      signal,
      onNote: note,
    });
  });
}
