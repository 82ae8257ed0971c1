import { Command, Option } from 'commander';
import { type AttentionReport, benchAttention } from '../../bench/attention-bench.js';
import type { AttentionRow } from '../../bench/attention-row.js';
import {
  ATTENTION_DEFAULTS,
  type AttentionSettings,
  completeAttentionSettings,
  parseAttentionConfig,
} from '../../bench/attention-settings.js';
import { checkCounts } from '../../bench/gate.js';
import { measurePeaks } from '../../bench/limits.js';
import { IMPOSSIBLE, isImpossible } from '../../bench/suspicions.js';
import { readText } from '../data/files.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import {
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
import { bad, good } from './colour.js';
import { type DataFlags, textOptions } from './data-options.js';
import { allKept, noTuneOption } from './kernel-cache.js';
import { adapterOption, countNumber, dataOption, list, numbers, readRules, withDevice } from './options.js';
import { multiple, note, percent, print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony bench attention --lengths 128,512,1024 --strategies none,hard --passes forward --repeats 9
  $ parsimony bench attention --data path/to/SST-2 --lengths 1024 --json attention.json --html attention.html`;

type AttentionFlags = OutputFlags &
  DataFlags & {
    config?: string;
    adapter?: string;
    tune: boolean;
  } & Partial<AttentionSettings>;

/** `parsimony bench attention` */
export function benchAttentionCommand(): Command {
  const { lengths, batch } = ATTENTION_DEFAULTS;
  const command = new Command('attention')
    .description(
      'sparse against dense attention: the same run, in turns, checked against float64; speed-ups are medians of the ratios within each turn',
    )
    .addOption(
      new Option('--lengths <list>', `pieces of a document, or "sentences" (default: ${lengths})`).argParser(
        numbers,
      ),
    )
    .addOption(
      new Option('--batch <count>', `sequences of a packed batch (default: ${batch})`).argParser(countNumber),
    )
    .addOption(
      new Option('--strategies <list>', 'among none, hard, soft, guided, learned (default: all)').argParser(
        list,
      ),
    )
    .addOption(
      new Option(
        '--rules <list>',
        'presets or files, within a scope where one is added, paper@sentence or paper@128 (default: paper)',
      ).argParser(list),
    )
    .option('--causal', 'queries see only keys that do not stand behind them')
    .option('--no-controls', 'leave out unsorted tokens, blocks in reading order and random rules')
    .option('--config <file>', 'a JSON file of settings, named as the flags; flags win')
    .addOption(dataOption().default('embedded'))
    .addOption(adapterOption())
    .addOption(noTuneOption());
  for (const option of [...textOptions(), ...sweepOptions(), ...outputOptions()]) command.addOption(option);
  return command.option('--html <file>', 'write a page with plots').addHelpText('after', EXAMPLE).action(run);
}

async function settingsOf(flags: AttentionFlags): Promise<AttentionSettings> {
  const file = flags.config;
  const fromFile = file ? parseAttentionConfig(await readText(file), file) : {};
  const names = Object.keys(ATTENTION_DEFAULTS) as (keyof AttentionSettings)[];
  const given = names.filter((name) => flags[name] !== undefined && !(name === 'controls' && flags.controls));
  return completeAttentionSettings({
    ...fromFile,
    ...Object.fromEntries(given.map((name) => [name, flags[name]])),
  });
}

async function run(flags: AttentionFlags): Promise<void> {
  const settings = await settingsOf(flags);
  const rules = await Promise.all(settings.rules.map(readRules));
  const texts = await benchTexts(flags, rules);
  const signal = interruptSignal();
  warnOfLoad();
  await withDevice(flags.adapter, async (device) => {
    const kernels = await allKept(device, flags.tune, settings.headDims);
    const options = { data: flags.data, texts, vocabulary: bertVocabulary(), kernels, signal, onNote: note };
    const measured = await benchAttention(device, { ...settings, rules }, options);
    // The page draws rates under the adapter's roof.
    const report = flags.html ? { ...measured, peaks: await measurePeaks(device) } : measured;
    // Files first: a reader of the terminal's output may close it early.
    await writeReport(flags, report, page);
    if (flags.json !== '-') printReport(report);
  });
}

/** The plot library takes a while to load, so only `--html` loads it. */
async function page(report: AttentionReport): Promise<string> {
  const { attentionPage } = await import('../../bench/page/attention-page.js');
  return attentionPage(report);
}

function verdict(row: AttentionRow): string {
  const { ratioLow, ratioHigh, strategy, realisedSpeedup } = row;
  if (ratioLow === null || ratioHigh === null || realisedSpeedup === null) return 'not shown';
  if (strategy === 'none') return '';
  if (isImpossible(row)) return bad(IMPOSSIBLE);
  if (ratioHigh < 1) return good(`${(1 / ratioHigh).toFixed(2)} to ${(1 / ratioLow).toFixed(2)}x faster`);
  return ratioLow > 1 ? bad(`${ratioLow.toFixed(2)} to ${ratioHigh.toFixed(2)}x slower`) : 'no difference';
}

function printReport(report: AttentionReport): void {
  const software = report.environment.software ? ' (software)' : '';
  printHeading(report.environment);
  print();
  printTable(
    [
      'pieces',
      'heads',
      'strategy',
      'pass',
      'density',
      'waste',
      'ideal',
      'real',
      'of ideal',
      `time${software}`,
      'kernels',
      'GFLOP/s executed',
      'with 99 % confidence',
    ],
    report.rows.map((row) => [
      row.batch > 1 ? `${row.length} x ${row.batch}` : row.length,
      `${row.heads} of ${row.headDim}`,
      nameOf(row),
      row.pass,
      percent(row.density),
      `${row.waste.toFixed(3)}`,
      multiple(row.idealSpeedup),
      multiple(row.realisedSpeedup),
      row.realisedFraction === null ? '–' : percent(row.realisedFraction),
      `${row.medianMs.toFixed(2)} ms`,
      row.gpuMedianMs === null ? '–' : `${row.gpuMedianMs.toFixed(2)} ms`,
      row.executedGflops === null ? '–' : row.executedGflops.toFixed(1),
      verdict(row),
    ]),
  );
  print();
  printTable(
    ['before the kernels', 'pieces', 'time'],
    report.preparation.map(({ stage, length, batch, medianMs }) => [
      stage,
      batch > 1 ? `${length} x ${batch}` : length,
      `${medianMs.toFixed(2)} ms`,
    ]),
  );
  printCosts(report);
  printBreakEven(report);
  print();
  print(
    'density: pairs the rules allow; waste: executed over useful pairs; of ideal: real over ideal speed-up.',
  );
  printCounts(report);
  printGate(report);
  if (report.interrupted) print('Interrupted: these are the rows that were measured by then.');
}

function nameOf({ strategy, rules }: Pick<AttentionRow, 'strategy' | 'rules'>): string {
  const isPlain = rules === 'paper' || strategy === 'none' || strategy === 'hard-random';
  return isPlain ? strategy : `${strategy}, ${rules}`;
}

/** What the work costs by each of its measures. */
function printCosts({ rows }: AttentionReport): void {
  const shown = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits));
  print();
  printTable(
    ['pieces', 'strategy', 'pass', "executed pair over dense's", 'useful pair and head', 'token'],
    rows.map((row) => [
      row.batch > 1 ? `${row.length} x ${row.batch}` : row.length,
      nameOf(row),
      row.pass,
      multiple(row.executedCostRatio),
      `${shown(row.nsPerUsefulPair, 2)} ns`,
      `${shown(row.usPerToken, 1)} µs`,
    ]),
  );
}

/** Whether the kernels multiplied what the plans say. */
function printCounts({ rows }: AttentionReport): void {
  const isEqual = ({ countedPairs, executedPairs, executedPairsTransposed }: AttentionRow) => {
    const ledger = { executed: executedPairs, executedTransposed: executedPairsTransposed };
    return checkCounts({ ledger }, countedPairs).passed;
  };
  const verdict = rows.every(isEqual) ? 'equal' : bad('NOT equal');
  print(`Executed pairs counted on the device: ${verdict} to the plans'.`);
}

function printBreakEven({ breakEven, rows }: AttentionReport): void {
  if (breakEven.length === 0) return;
  const shortest = Math.min(...rows.map(({ length }) => length));
  const lengthText = (length: number | null) => {
    if (length === null) return 'never here';
    return length === shortest ? `${length} or less` : `${length}`;
  };
  print();
  printTable(
    ['faster than dense from', 'pass', 'pieces', 'with planning', 'below a density of'],
    breakEven.map(({ strategy, rules, pass, length, lengthWithPlanning, density }) => [
      strategy === 'hard-random' ? rules : nameOf({ strategy, rules }),
      pass,
      lengthText(length),
      lengthText(lengthWithPlanning),
      density === null ? '–' : percent(density),
    ]),
  );
}
