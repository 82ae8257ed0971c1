import type { Precision } from '../src/base/precision.js';
import type { AttentionReport } from './attention-bench.js';
import type { Environment } from './environment.js';
import { both, type GateResult } from './gate.js';
import type { PeersReport } from './peers/peers-bench.js';
import { type BenchTable, benchTable, column } from './report-table.js';
import type { LimitsReport } from './roofline.js';
import type { StepReport } from './step-bench.js';

/** A report of one section of `bench gpu`: what the benchmark of that kind writes by itself. */
export type PartReport = LimitsReport | AttentionReport | StepReport | PeersReport;

type SectionState = 'waiting' | 'running' | 'done' | 'cut short' | 'skipped' | 'failed';

/** A section of `bench gpu`, and its state. */
export interface GpuSection {
  name: string;
  state: SectionState;
  seconds?: number;
  /** Why it is not done. */
  why?: string;
}

/** The file of `bench gpu`, which is complete at any time: sections that are not measured yet are marked as such. */
export interface GpuReport {
  kind: 'gpu';
  environment: Environment;
  settings: { minutes: number; quick: boolean; data: string };
  /** The gate of all sections of precision f32 together. */
  gate: GateResult;
  /** The gate of those of f16; absent in older files, where `gate` is of both. */
  f16Gate?: GateResult;
  /** Whether the run was ended before its last section. */
  interrupted: boolean;
  /** By importance. */
  sections: GpuSection[];
  reports: PartReport[];
}

/** The sections that are missing, or not complete, each in words. */
export function missingSections({
  sections,
}: {
  sections: readonly Omit<GpuSection, 'seconds'>[];
}): string[] {
  return sections
    .filter(({ state }) => state !== 'done')
    .map(({ name, state, why }) => `${name} (${why ? `${state}: ${why}` : state})`);
}

/** The precision of a report's results. Limits and peers are of f32. */
export function precisionOf(report: PartReport): Precision {
  return ('settings' in report && 'precision' in report.settings && report.settings.precision) || 'f32';
}

/** The gate of a precision. */
export function gateOf<Gate>(
  { gate, f16Gate = gate }: { gate: Gate; f16Gate?: Gate },
  precision: string | undefined,
): Gate {
  return precision === 'f16' ? f16Gate : gate;
}

/** The reports for a reader: where one of a precision was wrong, none of it shows a speed-up. */
export function shownReports(report: Pick<GpuReport, 'gate' | 'f16Gate' | 'reports'>): PartReport[] {
  return report.reports.map((part) => {
    const gate = gateOf(report, precisionOf(part));
    return gate.passed ? part : { ...part, gate: both(part.gate, gate) };
  });
}

/** The table of the sections. */
export function sectionsTable(report: GpuReport): BenchTable {
  return benchTable<GpuSection>(
    report,
    'Sections, by importance',
    [
      column('section', ({ name }) => name),
      column('state', ({ state }) => state, {
        tone: ({ state }) => (state === 'failed' ? 'bad' : state === 'done' ? 'good' : undefined),
      }),
      column('seconds', ({ seconds }) => seconds?.toFixed(1) ?? ''),
      column('why', ({ why }) => why ?? ''),
    ],
    report.sections,
    { alignment: 'words' },
  );
}
