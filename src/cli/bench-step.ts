import { Command, Option } from 'commander';
import { ATTENTION_DEFAULTS, completeAttentionSettings, SENTENCES } from '../../bench/attention-settings.js';
import { benchStep, type StepReport, type StepRow } from '../../bench/step-bench.js';
import { isAttentionImpossible, isStepImpossible } from '../../bench/suspicions.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import {
  interruptSignal,
  type OutputFlags,
  outputOptions,
  printGate,
  printHeading,
  warnOfLoad,
  writeReport,
} from './bench-output.js';
import { requireTaggersTags } from './bench-texts.js';
import { bad } from './colour.js';
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
  withDevice,
} from './options.js';
import { multiple, note, percent, print, printTable } from './terminal.js';

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
  const signal = interruptSignal();
  warnOfLoad();
  await withDevice(flags.adapter, async (device) => {
    const options = {
      data: flags.data,
      examples,
      classes: source.classes.length,
      vocabulary: bertVocabulary(),
      rules: ruleSet,
      kernels: await allKept(device, flags.tune, [flags.hidden / flags.heads]),
      signal,
      onNote: note,
    };
    const report = await benchStep(device, settings, options);
    // Files first: a reader of the terminal's output may close it early.
    await writeReport(flags, report);
    if (flags.json !== '-') printReport(report);
  });
}

const COSTLIEST = 10;

function title({ strategy, batch, length }: StepRow): string {
  return `${strategy}, ${batch} x ${length}`;
}

function marked(speedup: number | null, isImpossible: boolean): string {
  return isImpossible ? bad(`${multiple(speedup)} (!)`) : multiple(speedup);
}

function printReport(report: StepReport): void {
  printHeading(report.environment);
  print();
  printTable(
    [
      'pieces',
      'strategy',
      'step',
      'tokens/s',
      'kernels',
      'attention',
      'its speed-up',
      'Amdahl predicts',
      'with ideal attention',
      'realised',
      '99 % interval',
    ],
    report.rows.map((row) => [
      `${row.batch} x ${row.length}`,
      row.strategy,
      `${row.medianMs.toFixed(2)} ms`,
      Math.round(row.tokensPerSecond),
      `${row.kernelsMs.toFixed(2)} ms`,
      `${row.attentionMs.toFixed(2)} ms`,
      marked(row.attentionSpeedup, isAttentionImpossible(row)),
      isAttentionImpossible(row) ? '–' : multiple(row.predictedSpeedup),
      multiple(row.predictedFromIdeal),
      marked(row.realisedSpeedup, isStepImpossible(row)),
      row.ratioLow === null || row.ratioHigh === null
        ? '–'
        : `${(1 / row.ratioHigh).toFixed(2)} to ${(1 / row.ratioLow).toFixed(2)}x`,
    ]),
  );
  for (const row of report.rows) {
    print();
    printTable(
      [`the costliest kernels of ${title(row)}`, 'dispatches', 'time', 'of all kernels'],
      row.kernels
        .slice(0, COSTLIEST)
        .map(({ kernel, dispatches, medianMs }) => [
          kernel,
          dispatches,
          `${medianMs.toFixed(2)} ms`,
          percent(medianMs / row.kernelsMs),
        ]),
    );
    const stages = Object.entries(row.stagesMs).map(([name, ms]) => `${name} ${ms.toFixed(2)} ms`);
    print(`on the CPU: ${stages.join(', ')}; plan and upload are ${percent(row.planningShare)} of the step`);
  }
  print();
  printGate(report);
  if (report.interrupted) print('Interrupted: these are the rows that were measured by then.');
}
