import { cpus } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type AttentionSettings, expectedOf } from '../../bench/attention-settings.js';
import { formatCsv } from '../../bench/bench-report.js';
import { environmentLine, LOAD_AT_START } from '../../bench/environment.js';
import { both } from '../../bench/gate.js';
import { type GpuReport, missingSections } from '../../bench/gpu-report.js';
import { loadWarning, plausibilityWarnings } from '../../bench/plausibility.js';
import type { BenchTable } from '../../bench/report-table.js';
import { areCountsEqual, type BenchReport, tablesOf } from '../../bench/tables.js';
import type { Precision } from '../base/precision.js';
import type { Device } from '../gpu/device.js';
import { numbers, withDevice } from './options.js';
import {
  type JsonTarget,
  jsonOption,
  OutputOption,
  STANDARD_OUTPUT,
  writeOutput,
  wroteJson,
} from './output-files.js';
import { withOptions } from './setting-options.js';
import { bad, good, note, print, printTable } from './terminal.js';

/** The report of one benchmark. */
type SingleReport = Exclude<BenchReport, GpuReport>;

/** The files of a benchmark's results. */
export interface OutputFlags {
  json?: JsonTarget;
  csv?: string;
  html?: string;
}

export function outputOptions(): Option[] {
  return [jsonOption(), new OutputOption('--csv <file>', 'write the rows as CSV', ['.csv'])];
}

export function option(flags: string, description: string, parse: (text: string) => unknown): Option {
  return new Option(flags, description).argParser(parse);
}

/** The flag of a setting of `bench attention`, which other benchmarks may have, too. Its parser throws InvalidArgumentError. */
export function boundedOption(
  name: keyof AttentionSettings,
  flags: string,
  description: string,
  parse: (text: string) => unknown = numbers,
): Option {
  return option(flags, description, (text) => {
    const value = parse(text);
    const expected = expectedOf(name, value);
    if (expected) throw new InvalidArgumentError(`expected ${expected}`);
    return value;
  });
}

/** A command of `parsimony bench`. @param examples Lines of `--help`. */
export function benchmark(
  name: string,
  description: string,
  options: readonly Option[],
  examples: string,
): Command {
  const command = new Command(name).description(description).addHelpText('after', `\nExample:\n${examples}`);
  return withOptions(command, ...options);
}

/** Measures on a device, and shows the report: in files, and on the terminal unless JSON goes there. */
export async function runBenchmark(
  flags: OutputFlags & { adapter?: string; precision?: Precision },
  measure: (device: Device, signal: AbortSignal) => Promise<SingleReport>,
): Promise<void> {
  const signal = interruptSignal();
  warnOfLoad();
  const run = async (device: Device) => {
    const report = await measure(device, signal);
    // Files first: a reader of the terminal's output may close it early.
    await writeReport(flags, report);
    if (flags.json !== STANDARD_OUTPUT) printReport(report);
  };
  await withDevice(flags.adapter, run, flags.precision);
}

/** A report with its implausible figures. */
export function withWarnings(report: BenchReport): object {
  return { ...report, suspicions: plausibilityWarnings(report) };
}

/** Writes a report to the files that were asked for, each whole or not at all. A red gate makes the command fail. */
async function writeReport(flags: OutputFlags, report: SingleReport): Promise<void> {
  const contenders = (report.kind === 'attention' && report.contenders) || [];
  const isWrong = contenders.some(({ error }) => error !== null);
  if (!report.gate.passed || isWrong) process.exitCode = 1;
  await wroteJson(flags.json, withWarnings(report));
  const rows = [...report.rows, ...contenders];
  if (flags.csv) await writeOutput(flags.csv, formatCsv(report.environment, report.gate, rows));
  if (flags.html) await writeOutput(flags.html, await pageOf(report));
}

/** The plot library takes a while to load, so only a page loads it. */
async function pageOf(report: SingleReport): Promise<string> {
  const { benchSection } = await import('../../bench/page/bench-section.js');
  const { sectionsPage } = await import('../report/page/html-page.js');
  return sectionsPage(`Parsimony: bench ${report.kind}`, [benchSection(report, report.kind)]);
}

export function printReport(report: BenchReport): void {
  const { environment } = report;
  print(`On ${environmentLine(environment)}.`);
  if (environment.software)
    print('A software adapter: its times say nothing about a GPU; ratios of one run hold.');
  if (environment.kernels.length > 0)
    print('Kernels as `parsimony tune` or training chose them (--no-tune: as expected).');
  for (const table of tablesOf(report)) printBenchTable(table);
  print();
  if (report.kind === 'attention') {
    const verdict = areCountsEqual(report) ? 'equal' : bad('NOT equal');
    print(`Executed pairs counted on the device: ${verdict} to the plans'.`);
  }
  if (report.kind === 'limits' && report.rows.length === 0)
    note('This adapter has no timestamps, so that kernels cannot be timed one by one.');
  if (report.kind === 'attention') {
    const wrong = (report.contenders ?? []).filter(({ error }) => error !== null);
    for (const name of new Set(wrong.map(({ contender }) => contender))) {
      const { error } = wrong.find(({ contender }) => contender === name)!;
      print(bad(`Contender "${name}" is WRONG, and gets no time and no speed-up: ${error!.split('\n')[0]}`));
    }
  }
  printGate(report);
  if (report.kind === 'gpu') {
    for (const missing of missingSections(report)) print(`Missing: ${missing}.`);
  } else if ('interrupted' in report && report.interrupted)
    print('Interrupted: these are the rows that were measured by then.');
}

export function printBenchTable({ title, columns, rows, note }: BenchTable): void {
  const isShown = (_: unknown, at: number) => !columns[at].onPagesOnly;
  const coloured = { good, bad };
  print(`\n${title}:`);
  printTable(
    columns.filter(isShown).map(({ heading }) => heading),
    rows.map((cells) =>
      cells.filter(isShown).map(({ text, tone }) => (tone ? coloured[tone](`${text}`) : text)),
    ),
  );
  if (note) print(note);
}

/** Warns, before anything is measured, where the machine is too busy for reliable times. */
export function warnOfLoad(): void {
  const warning = loadWarning({ load: LOAD_AT_START, system: { cores: cpus().length } });
  if (warning) note(`Warning: ${warning}`);
}

/** Prints whether results were right, and implausible figures. */
function printGate(report: BenchReport): void {
  for (const warning of plausibilityWarnings(report)) print(bad(`Not to be trusted: ${warning}`));
  const { gate } = report;
  const f16Gate = report.kind === 'gpu' ? (report.f16Gate ?? gate) : gate;
  if (gate.passed && f16Gate.passed) {
    const { maxError } = both(gate, f16Gate);
    print(`Every result was within the error bound of float64 (largest error ${maxError.toExponential(1)}).`);
    return;
  }
  const precision = gate.passed
    ? ' in precision f16'
    : f16Gate.passed && report.kind === 'gpu'
      ? ' in precision f32'
      : '';
  print(bad(`The correctness check is RED${precision}: no speed-up is shown${precision && ' of it'}.`));
  for (const complaint of new Set(both(gate, f16Gate).complaints)) print(`  ${complaint}`);
}

/** A signal that Ctrl-C sets off: what was measured by then is still written. A second Ctrl-C ends at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    note('Interrupted: writing what was measured. Press Ctrl-C again to end at once.');
    controller.abort();
    process.once('SIGINT', () => process.exit(130));
  });
  return controller.signal;
}
