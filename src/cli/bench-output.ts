import { cpus, loadavg } from 'node:os';
import { Option } from 'commander';
import {
  ATTENTION_DEFAULTS,
  type AttentionSettings,
  completeAttentionSettings,
  SENTENCES,
} from '../../bench/attention-settings.js';
import { formatCsv } from '../../bench/csv-report.js';
import { type Environment, environmentLine } from '../../bench/environment.js';
import { loadWarning, type SuspectReport, suspicionsOf } from '../../bench/suspicions.js';
import { CallerError } from '../base/errors.js';
import { checkWritable, writeWhole } from '../data/files.js';
import { bad } from './colour.js';
import { countNumber, list, numbers, seedNumber } from './options.js';
import { note, print } from './terminal.js';

/** Where a benchmark's results go, beside the terminal. */
export interface OutputFlags {
  json?: string;
  csv?: string;
  html?: string;
}

export function outputOptions(): Option[] {
  return [
    new Option('--json <file>', 'write everything as JSON; - for standard output'),
    new Option('--csv <file>', 'write the rows as CSV'),
  ];
}

/** The flags of what `bench attention`, `bench growth` and `bench peers` all sweep; what is left out stays undefined. */
export function sweepOptions(): Option[] {
  const { heads, headDims, repeats, seed } = ATTENTION_DEFAULTS;
  const option = (flags: string, description: string, parse: (text: string) => unknown) =>
    new Option(flags, description).argParser(parse);
  return [
    option('--heads <list>', `attention heads (default: ${heads})`, numbers),
    option('--head-dims <list>', `head dimensions (default: ${headDims})`, numbers),
    option('--passes <list>', 'among forward, forward+backward (default: both)', list),
    option('--repeats <count>', `timed runs of each (default: ${repeats})`, countNumber),
    option('--seed <number>', `of inputs, order and intervals (default: ${seed})`, seedNumber),
  ];
}

/** Settings from the flags of a sweep over documents. @throws CallerError where one is out of bounds, or lengths are no numbers. */
export function documentSettings<Name extends keyof AttentionSettings>(
  flags: Partial<Record<Name, unknown>>,
  swept: readonly Name[],
): Omit<AttentionSettings, 'lengths'> & { lengths: number[] } {
  const given = swept.filter((name) => flags[name] !== undefined);
  const settings = completeAttentionSettings(Object.fromEntries(given.map((name) => [name, flags[name]])));
  if (settings.lengths.includes(SENTENCES)) {
    throw new CallerError({
      what: `lengths has "${SENTENCES}"`,
      where: '--lengths',
      expected: 'numbers of pieces',
    });
  }
  return { ...settings, lengths: settings.lengths.map(Number) };
}

/** What every benchmark's report holds. */
export interface Report extends SuspectReport {
  environment: Environment;
  rows: readonly object[];
  gate?: { passed: boolean; maxError: number; complaints: readonly string[] };
}

/**
 * Writes a report to the files that were asked for, each whole or not at all. A red gate makes the command fail, wherever its
 * report goes.
 *
 * @param page Makes the page of `--html`; without it there is none.
 */
export async function writeReport<R extends Report>(
  flags: OutputFlags,
  report: R,
  page?: (report: R) => string | Promise<string>,
): Promise<void> {
  if (report.gate && !report.gate.passed) process.exitCode = 1;
  const json = `${JSON.stringify({ ...report, suspicions: suspicionsOf(report) }, null, 2)}\n`;
  if (flags.json === '-') process.stdout.write(json);
  else if (flags.json) await written(flags.json, json);
  if (flags.csv) await written(flags.csv, formatCsv(report.environment, report.gate, report.rows));
  if (flags.html && page) await written(flags.html, await page(report));
}

/** @throws CallerError, before hours of measuring, where the results cannot be written. */
export async function checkOutputs({ json, csv, html }: OutputFlags): Promise<void> {
  for (const path of [json === '-' ? undefined : json, csv, html]) {
    if (typeof path === 'string') await checkWritable(path);
  }
}

async function written(path: string, content: string): Promise<void> {
  await writeWhole(path, content);
  note(`written: ${path}`);
}

/** What a reader must know before the first number. */
export function printHeading(environment: Environment): void {
  print(`On ${environmentLine(environment)}.`);
  if (environment.software)
    print('A software adapter: its times say nothing about a GPU; ratios of one run hold.');
  if (environment.kernels.length > 0)
    print('Kernels as `parsimony tune` or training chose them (--no-tune: as expected).');
}

/** Says so before anything is measured where the machine has too much to do for its times to be trusted. */
export function warnOfLoad(): void {
  const warning = loadWarning({ load: loadavg(), system: { cores: cpus().length } });
  if (warning) note(`Warning: ${warning}`);
}

/** Says whether results were right, and what figures cannot be. */
export function printGate(report: Report): void {
  const { gate } = report;
  for (const suspicion of suspicionsOf(report)) print(bad(`Not to be trusted: ${suspicion}`));
  if (!gate) return;
  if (gate.passed) {
    print(
      `Every result was within the error bound of float64 (largest error ${gate.maxError.toExponential(1)}).`,
    );
    return;
  }
  print(bad('The correctness check is RED: no speed-up is shown.'));
  for (const complaint of new Set(gate.complaints)) print(`  ${complaint}`);
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
