import { Command, Option } from 'commander';
import { benchGrowth, type GrowthReport } from '../../bench/growth-bench.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import {
  documentSettings,
  interruptSignal,
  type OutputFlags,
  outputOptions,
  printGate,
  printHeading,
  sweepOptions,
  warnOfLoad,
  writeReport,
} from './bench-output.js';
import { benchTexts } from './bench-texts.js';
import { type DataFlags, textOptions } from './data-options.js';
import { allKept, noTuneOption } from './kernel-cache.js';
import { adapterOption, dataOption, list, numbers, readRules, withDevice } from './options.js';
import { multiple, note, print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony bench growth --lengths 2048,16384 --passes forward
  $ parsimony bench growth --rules paper,paper@sentence --json growth.json`;

const SWEPT = [
  'lengths',
  'heads',
  'headDims',
  'strategies',
  'rules',
  'causal',
  'passes',
  'repeats',
  'seed',
] as const;

type GrowthFlags = OutputFlags &
  DataFlags & { adapter?: string; tune: boolean } & Partial<Record<(typeof SWEPT)[number], unknown>>;

/** `parsimony bench growth` */
export function benchGrowthCommand(): Command {
  const command = new Command('growth')
    .description('documents of several lengths in turns: time by allowed pairs, memory by tokens')
    .addOption(
      new Option('--lengths <list>', 'pieces of a document')
        .argParser(numbers)
        .default([2048, 4096, 8192, 16384]),
    )
    .addOption(
      new Option('--strategies <list>', 'among none, hard, soft, guided, learned')
        .argParser(list)
        .default(['hard']),
    )
    .addOption(
      new Option(
        '--rules <list>',
        'presets or files, each with a scope or without one (default: paper)',
      ).argParser(list),
    )
    .option('--causal', 'queries see only keys that do not stand behind them')
    .addOption(dataOption().default('embedded'))
    .addOption(adapterOption())
    .addOption(noTuneOption());
  for (const option of [...textOptions(), ...sweepOptions(), ...outputOptions()]) command.addOption(option);
  return command.addHelpText('after', EXAMPLE).action(run);
}

async function run(flags: GrowthFlags): Promise<void> {
  const settings = documentSettings(flags, SWEPT);
  const rules = await Promise.all(settings.rules.map(readRules));
  const texts = await benchTexts(flags, rules);
  const signal = interruptSignal();
  warnOfLoad();
  await withDevice(flags.adapter, async (device) => {
    const kernels = await allKept(device, flags.tune, settings.headDims);
    const options = { data: flags.data, texts, vocabulary: bertVocabulary(), kernels, signal, onNote: note };
    const report = await benchGrowth(device, { ...settings, rules }, options);
    // Files first: a reader of the terminal's output may close it early.
    await writeReport(flags, report);
    if (flags.json !== '-') printReport(report);
  });
}

function printReport(report: GrowthReport): void {
  printHeading(report.environment);
  print();
  printTable(
    [
      'pieces',
      'heads',
      'strategy',
      'rules',
      'pass',
      'useful pairs',
      `time${report.environment.software ? ' (software)' : ''}`,
      'useful pair and head',
      "over the shortest's",
      '99 % interval',
      'memory a token',
    ],
    report.rows.map((row) => [
      row.length,
      `${row.heads} of ${row.headDim}`,
      row.strategy,
      row.rules,
      row.pass,
      row.usefulPairs,
      `${row.medianMs.toFixed(1)} ms`,
      row.nsPerUsefulPair === null ? '–' : `${row.nsPerUsefulPair.toFixed(3)} ns`,
      multiple(row.ratioToShortest),
      row.ratioLow === null ? '–' : `${row.ratioLow.toFixed(2)} to ${row.ratioHigh!.toFixed(2)}x`,
      `${(row.bytesPerToken / 1024).toFixed(2)} KiB`,
    ]),
  );
  print();
  printGate(report);
  if (report.interrupted) print('Interrupted: these are the rows that were measured by then.');
}
