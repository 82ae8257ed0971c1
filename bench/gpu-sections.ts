import { CallerError } from '../src/base/errors.js';
import type { Precision } from '../src/base/precision.js';
import { both, type GateResult, GREEN } from './gate.js';
import { type GpuReport, gateOf, type PartReport, precisionOf } from './gpu-report.js';
import { oneLine } from './peers/peer.js';

/** What a section of `bench gpu` runs with. */
interface SectionRun {
  /** Aborted by the caller, and where the time is over. */
  signal: AbortSignal;
  /** Adds a report, or marks that it has more rows: the file is written again. */
  onProgress(report: PartReport): Promise<void>;
}

export interface PlannedSection {
  name: string;
  /** Seconds that it takes at least: it is skipped where fewer are left. */
  least?: number;
  /** The precision of its results; f32 by default. */
  precision?: Precision;
  /** @returns Its report, or whether the kernels are right. @throws CallerError where it cannot be measured here. */
  measure(run: SectionRun): Promise<PartReport | GateResult>;
}

interface SectionsOptions {
  signal: AbortSignal;
  /** Writes the report, whole or not at all. */
  save(report: GpuReport): Promise<void>;
  onNote(line: string): void;
  /** Called after a section that failed. */
  onFailure?(): Promise<void>;
}

/**
 * Runs sections, the most important first, until the minutes of the settings are over. The report is written before and after each,
 * so that a run that was killed has what it measured. Where a result was wrong, nothing more of its precision is measured.
 */
export async function runSections(
  report: GpuReport,
  planned: readonly PlannedSection[],
  { signal, save, onNote, onFailure }: SectionsOptions,
): Promise<void> {
  const { minutes } = report.settings;
  const end = performance.now() + 60_000 * minutes;
  const noTime = `no time left of ${minutes} minutes`;
  report.sections = planned.map(({ name }) => ({ name, state: 'waiting' }));
  report.interrupted = true;
  const conformance: Record<Precision, GateResult> = { f32: GREEN, f16: GREEN };
  const judge = () => {
    const gateIn = (precision: Precision) =>
      report.reports.reduce(
        (gate, part) => (precisionOf(part) === precision ? both(gate, part.gate) : gate),
        conformance[precision],
      );
    report.gate = gateIn('f32');
    report.f16Gate = gateIn('f16');
  };
  const onProgress = async (part: PartReport) => {
    if (!report.reports.includes(part)) report.reports.push(part);
    judge();
    await save(report);
  };
  for (const [at, { name, least = 1, precision = 'f32', measure }] of planned.entries()) {
    const section = report.sections[at];
    const left = end - performance.now();
    const red = gateOf(report, precision).passed ? undefined : 'the correctness check is red';
    section.why = signal.aborted ? 'interrupted' : (red ?? (left < 1000 * least ? noTime : undefined));
    section.state = section.why ? 'skipped' : 'running';
    if (section.why) continue;
    onNote(`${name} (section ${at + 1} of ${planned.length})`);
    await save(report);
    const began = performance.now();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(left))]);
    try {
      const result = await measure({ signal: limit, onProgress });
      if ('kind' in result) await onProgress(result);
      else conformance[precision] = both(conformance[precision], result);
      judge();
      section.state = limit.aborted ? 'cut short' : 'done';
      if (limit.aborted) section.why = signal.aborted ? 'interrupted' : noTime;
    } catch (error) {
      section.state = error instanceof CallerError ? 'skipped' : 'failed';
      section.why = oneLine((error as Error).message);
      if (section.state === 'failed') await onFailure?.();
    }
    section.seconds = (performance.now() - began) / 1000;
    await save(report);
  }
  report.interrupted = signal.aborted;
  await save(report);
}
