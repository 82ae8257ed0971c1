import type { Section } from '../../src/report/page/sections.js';
import type { GrowthReport } from '../growth-bench.js';
import type { PeersReport } from '../peers/peers-bench.js';
import type { StepReport } from '../step-bench.js';
import { attentionSection, type PageReport } from './attention-page.js';
import { growthSection, type LimitsReport, limitsSection, peersSection } from './other-sections.js';
import { stepSection } from './step-section.js';
import { type TraceFile, traceSection } from './trace-section.js';

/** What a benchmark wrote, and what its page can show. */
export type BenchReport =
  | PageReport
  | StepReport
  | GrowthReport
  | LimitsReport
  | PeersReport
  | ({ kind: 'profile' } & TraceFile);

/** The section of a benchmark's report, of whichever kind. @param id Tells its figures from those of other sections. */
export function benchSection(report: BenchReport, id: string): Section {
  switch (report.kind) {
    case 'attention':
      return attentionSection(report, id);
    case 'step':
      return stepSection(report, id);
    case 'growth':
      return growthSection(report);
    case 'limits':
      return limitsSection(report);
    case 'peers':
      return peersSection(report);
    case 'profile':
      return traceSection(report, id);
  }
}
