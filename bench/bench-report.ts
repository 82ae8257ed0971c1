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
  /** True where the run was ended early: rows are missing. */
  interrupted: boolean;
  rows: Row[];
}

/** Options of a benchmark that are not settings. */
export interface BenchOptions {
  /** The name of the texts, for the report. */
  data: string;
  vocabulary: Vocabulary;
  /** Tuned variants of the kernels, by head dimension; the expected ones where left out. */
  kernels?: readonly KernelChoices[];
  /** Ends the run early. */
  signal?: AbortSignal;
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
