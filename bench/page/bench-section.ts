import { adapterName } from '../../src/gpu/adapter.js';
import { html } from '../../src/report/page/html.js';
import type { Section } from '../../src/report/page/html-page.js';
import { percent, short, times, whole } from '../../src/report/page/numbers.js';
import { type GpuReport, missingSections, sectionsTable } from '../gpu-report.js';
import type { GrowthReport, GrowthRow } from '../growth-bench.js';
import type { PeersReport } from '../peers/peers-bench.js';
import { isOverAll } from '../plausibility.js';
import { intervalText, passName } from '../report-table.js';
import type { LimitsReport } from '../roofline.js';
import type { StepReport } from '../step-bench.js';
import { tablesOf } from '../tables.js';
import { attentionSection, type PageReport } from './attention-section.js';
import { htmlTable, sectionOf } from './section-parts.js';
import { stepSection } from './step-section.js';
import { type TraceFile, traceSection } from './trace-section.js';

/** A report of a benchmark or of `profile`, for a page. */
export type PagedReport =
  | PageReport
  | StepReport
  | GrowthReport
  | LimitsReport
  | PeersReport
  | GpuReport
  | ({ kind: 'profile' } & TraceFile);

/** The section of a report of any kind. @param id Distinguishes its figures from those of other sections. */
export function benchSection(report: PagedReport, id: string): Section {
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
    case 'gpu':
      return gpuSection(report);
    case 'profile':
      return traceSection(report, id);
  }
}

/** The section of `bench gpu`: what was measured, and what is missing. The sections of its parts follow. */
function gpuSection(report: GpuReport): Section {
  const missing = missingSections(report);
  const measured = report.sections.length - missing.length;
  return sectionOf(
    { ...report, rows: [] },
    {
      title: 'One run on a GPU',
      finding: `${measured} of ${report.sections.length} sections were measured${missing.length > 0 ? ', the others are missing' : ''}`,
      lead: missing.length > 0 ? html`Missing: ${missing.join('; ')}.` : html``,
      body: html`${htmlTable(sectionsTable(report))}`,
      data: report.settings.data,
    },
  );
}

/** The section of `bench limits`: the limits of an adapter. */
function limitsSection(report: LimitsReport): Section {
  const { limits, dense, environment } = report;
  const shares = dense.flatMap(({ shareOfPeak }) => (isOverAll(shareOfPeak) ? [] : (shareOfPeak ?? [])));
  const reached = shares.length > 0 ? `, dense attention ${percent(Math.max(...shares))} of it` : '';
  return sectionOf(report, {
    title: 'Limits of the adapter',
    finding: `Our best matrix product reaches ${short(limits.matrixProductGflops)} GFLOP/s on ${environment.software ? 'a software adapter' : adapterName(environment.adapter)}${reached}`,
    lead: html`Multiply-adds without memory reach ${short(limits.multiplyAddGflops)} GFLOP/s, copies ${short(limits.copyGBs)} GB/s.`,
    body: html`${tablesOf(report).map(htmlTable)}`,
    data: 'drawn at random',
  });
}

/** The section of `bench growth`: how time grows with the pairs. */
function growthSection(report: GrowthReport): Section {
  const compared = report.rows.filter(({ ratioToShortest }) => ratioToShortest !== null);
  const main = compared.reduce<GrowthRow | undefined>(
    (longest, row) => (longest && longest.length >= row.length ? longest : row),
    undefined,
  );
  return sectionOf(report, {
    title: 'Growth with length',
    finding: main
      ? `A useful pair of ${whole(main.length)} tokens takes ${times(main.ratioToShortest!)} the time of one of the shortest document`
      : 'Nothing was measured',
    lead: main
      ? html`${main.strategy}, ${main.rules}, ${passName(main.pass)}: 99 % interval ${intervalText(main.ratioLow!, main.ratioHigh!)}. Buffers take ${short(main.bytesPerToken / 1024)} KiB a token.`
      : html``,
    body: html`${tablesOf(report).map(htmlTable)}`,
    data: report.settings.data,
  });
}

/** The section of `bench peers`: attention in other libraries and in ours. */
function peersSection(report: PeersReport): Section {
  const peers = new Set(report.rows.map(({ peer }) => peer)).size;
  return sectionOf(report, {
    title: 'Peers',
    finding: `${peers} implementations of attention ran side by side`,
    lead: html`All results were compared with float64.`,
    body: html`${tablesOf(report).map(htmlTable)}`,
    data: report.settings.data,
  });
}
