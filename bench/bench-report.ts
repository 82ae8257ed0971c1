import type { KernelChoices } from '../src/attention/kernel-choices.js';
import type { Device } from '../src/gpu/device.js';
import type { RuleSet } from '../src/grammar/rules.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import { describeEnvironment, type Environment } from './environment.js';
import { type GateResult, GREEN } from './gate.js';

/** The file that a benchmark writes with `--json`. */
export interface BenchmarkReport<Kind extends string, Settings, Row> {
  kind: Kind;
  environment: Environment;
  settings: Settings & { data: string };
  /** Whether our own results were right. */
  gate: GateResult;
  /** True where the run was ended early: the rows are those of what was measured by then. */
  interrupted: boolean;
  rows: Row[];
}

/** What a benchmark runs on, beside its settings. */
export interface BenchOptions {
  /** The texts by name, for the report. */
  data: string;
  vocabulary: Vocabulary;
  /** Variants of the kernels that were measured to be the fastest, by head dimension; the expected ones where left out. */
  kernels?: readonly KernelChoices[];
  /** Ends the run early. */
  signal?: AbortSignal;
  onNote?(line: string): void;
}

/** A report without rows so far. @param rules Those whose hashes it names. */
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
