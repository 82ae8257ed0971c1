import { both, type GateResult } from './gate.js';
import type { GpuReport, PartReport } from './gpu-report.js';
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
  /** Seconds that it takes at least: it is left out where fewer are left. */
  least?: number;
  /** Why it cannot be measured here. */
  lacks?: string;
  /** @returns Its report, or whether the kernels are right. */
  measure(run: SectionRun): Promise<PartReport | GateResult>;
}

interface SectionsOptions {
  signal: AbortSignal;
  /** Writes the report, whole or not at all. */
  save(report: GpuReport): Promise<void>;
  onNote(line: string): void;
}

/**
 * Runs sections, the most important first, until the minutes of the settings are over. The report is written before and after each,
 * so that a run that was killed has what it measured. Nothing more is measured where a result was wrong.
 */
export async function runSections(
  report: GpuReport,
  planned: readonly PlannedSection[],
  { signal, save, onNote }: SectionsOptions,
): Promise<void> {
  const { minutes } = report.settings;
  const end = performance.now() + 60_000 * minutes;
  const noTime = `no time left of ${minutes} minutes`;
  report.sections = planned.map(({ name }) => ({ name, state: 'waiting' }));
  report.interrupted = true;
  const onProgress = async (part: PartReport) => {
    if (!report.reports.includes(part)) report.reports.push(part);
    report.gate = report.reports.map(({ gate }) => gate).reduce(both, report.conformance);
    await save(report);
  };
  for (const [at, { name, least = 1, lacks, measure }] of planned.entries()) {
    const section = report.sections[at];
    const left = end - performance.now();
    const red = report.gate.passed ? undefined : 'the correctness check is red';
    section.why = signal.aborted
      ? 'interrupted'
      : (red ?? lacks ?? (left < 1000 * least ? noTime : undefined));
    section.state = section.why ? 'skipped' : 'running';
    if (section.why) continue;
    onNote(`${name} (section ${at + 1} of ${planned.length})`);
    await save(report);
    const began = performance.now();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(left))]);
    try {
      const result = await measure({ signal: limit, onProgress });
      if ('kind' in result) await onProgress(result);
      else report.gate = report.conformance = both(report.conformance, result);
      section.state = limit.aborted ? 'cut short' : 'done';
      if (limit.aborted) section.why = signal.aborted ? 'interrupted' : noTime;
    } catch (error) {
      section.state = 'failed';
      section.why = oneLine((error as Error).message);
    }
    section.seconds = (performance.now() - began) / 1000;
    await save(report);
  }
  report.interrupted = signal.aborted;
  await save(report);
}
