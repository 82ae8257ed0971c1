import type { KernelChoices } from '../src/attention/kernel-choices.js';
import { adapterName } from '../src/gpu/adapter.js';
import type { Device } from '../src/gpu/device.js';
import type { RuleSet } from '../src/grammar/rules.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import { csvField } from '../src/report/page/downloads.js';
import { describeEnvironment, type Environment } from './environment.js';
import { type GateResult, GREEN } from './gate.js';

/** The file that a benchmark writes with `--json`. */
export interface BenchmarkReport<Kind extends string, Settings, Row> {
  kind: Kind;
  /** Adapter, software, machine and command: what is needed to measure the same again. */
  environment: Environment;
  /** All settings, defaults included, and the name of the texts. */
  settings: Settings & { data: string };
  /** Whether our own results were right. */
  gate: GateResult;
  /** True where the run was ended early: rows are missing. */
  interrupted: boolean;
  /** In the order in which they were measured. */
  rows: Row[];
}

/** Options of a benchmark that are not settings. */
export interface BenchOptions {
  /** The name of the texts, for the report. */
  data: string;
  vocabulary: Vocabulary;
  /** Tuned variants of the kernels, by head dimension; by default, those that are expected to be the fastest. */
  kernels?: readonly KernelChoices[];
  /** Ends the run early. */
  signal?: AbortSignal;
  /** Called with each note to the user, a line of text. */
  onNote?(line: string): void;
}

/** A new report without rows. @param rules The rule sets of the run. */
export function newReport<Kind extends string, Settings extends { seed: number }, Row>(
  device: Device,
  kind: Kind,
  settings: Settings,
  rules: readonly RuleSet[],
  { data, kernels }: BenchOptions,
): BenchmarkReport<Kind, Settings, Row> {
  return {
    kind,
    environment: describeEnvironment(device, rules, settings.seed, kernels),
    settings: { ...settings, data },
    gate: GREEN,
    interrupted: false,
    rows: [],
  };
}

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  return csvField(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/**
 * Rows as CSV (RFC 4180) with a header. The fields of the whole run are in every row, so that each row is complete. Lists and
 * objects are JSON.
 */
export function formatCsv(
  environment: Environment,
  gate: { passed: boolean; maxError: number } | undefined,
  rows: readonly object[],
): string {
  const { adapter, dawn, kernelHash, seed, command, date } = environment;
  const common = {
    adapter: adapterName(adapter),
    adapterKind: adapter.kind,
    dawn: dawn.package,
    toggles: dawn.toggles.join(' '),
    kernelHash,
    seed,
    load: environment.load[0],
    ...(gate && { gatePassed: gate.passed, maxError: gate.maxError }),
    command,
    date,
  };
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => {
    const fields = columns.map((column) => field((row as Record<string, unknown>)[column]));
    return [...fields, ...Object.values(common).map(field)].join(',');
  });
  return `${[[...columns, ...Object.keys(common)].join(','), ...lines].join('\r\n')}\r\n`;
}
