import { adapterName } from '../../src/gpu/adapter-name.js';
import { type Column, type Html, html, table } from '../../src/report/page/html.js';
import { NOTHING, orNothing, percent, short, times, whole } from '../../src/report/page/numbers.js';
import type { Section } from '../../src/report/page/sections.js';
import type { Environment } from '../environment.js';
import type { GateResult } from '../gate.js';
import type { GrowthReport, GrowthRow } from '../growth-bench.js';
import type { Limits } from '../limits.js';
import type { PeakShares } from '../peak-share.js';
import type { PeerRow } from '../peers/peer-row.js';
import type { PeersReport } from '../peers/peers-bench.js';
import type { RooflineRow } from '../roofline.js';
import { isOverAll, type SuspectReport } from '../suspicions.js';
import { gateText, refusal, suspicionFact } from './bench-headline.js';
import { environmentSection } from './page-tables.js';
import { passName } from './row-format.js';

/** The file that `bench limits --json` writes. */
export interface LimitsReport extends PeakShares {
  kind: 'limits';
  environment: Environment;
  limits: Limits;
  rows: readonly RooflineRow[];
}

function sectionOf(
  what: string,
  report: SuspectReport & { environment: Environment; gate: GateResult; interrupted?: boolean },
  point: Pick<Section, 'finding' | 'lead'>,
  data: string,
  tables: Html,
): Section {
  const { environment, gate, interrupted } = report;
  return {
    title: `${what}, ${environment.date.slice(0, 10)}`,
    ...(gate.passed ? point : refusal(gate)),
    facts: [
      ['Adapter', `${environment.software ? 'software adapter: ' : ''}${adapterName(environment.adapter)}`],
      ['Correctness gate', gateText(gate)],
      ...(interrupted ? [['Interrupted', 'these are the rows that were measured by then'] as const] : []),
      ...suspicionFact(report),
    ],
    body: html`${tables}
<h3>Environment and command</h3>
${environmentSection(environment, data)}`,
  };
}

/** What an adapter can do, as `bench limits` measured it. */
export function limitsSection(report: LimitsReport): Section {
  const { limits, products, dense, gate, rows, environment } = report;
  const best = Math.max(
    0,
    ...dense.flatMap(({ shareOfPeak }) => (isOverAll(shareOfPeak) ? [] : (shareOfPeak ?? []))),
  );
  const reached = best > 0 ? `, of which dense attention reaches ${percent(best)}` : '';
  const limitRows: [string, string][] = [
    ['Multiply-adds, no memory', `${short(limits.multiplyAddGflops)} GFLOP/s`],
    ['Matrix product, f32', `${short(limits.matrixProductGflops)} GFLOP/s`],
    ['Copy, read and written', `${short(limits.copyGBs)} GB/s`],
    ['A dispatch', `${short(limits.dispatchMicroseconds)} µs`],
    ['A submit and its end', `${short(limits.submitMicroseconds)} µs`],
  ];
  const point = {
    finding: `${environment.software ? 'A software adapter' : adapterName(environment.adapter)} multiplies matrices at ${short(limits.matrixProductGflops)} GFLOP/s${reached}`,
    lead: html`It copies ${short(limits.copyGBs)} GB/s.`,
  };
  const tables = html`${table(
    'What the adapter can do',
    [
      { heading: 'Limit', cell: ([name]) => name },
      { heading: 'Measured', cell: ([, value]) => value },
    ],
    limitRows,
    'words',
  )}
${gate.passed ? denseTable(dense) : ''}
${table(
  'Matrix products',
  [
    { heading: 'Rows x inputs x outputs', cell: (row) => `${row.rows} x ${row.inputs} x ${row.outputs}` },
    { heading: 'GFLOP/s', cell: ({ gflops }) => short(gflops) },
  ],
  products,
)}
${gate.passed && rows.length > 0 ? roofTable(rows) : ''}`;
  return sectionOf('Limits of the adapter', report, point, 'drawn at random', tables);
}

/** A share of a peak, and that it cannot be where it is more than all of it. */
function shareText(share: number): string {
  return isOverAll(share) ? `${percent(share)}, not to be trusted` : percent(share);
}

function denseTable(dense: LimitsReport['dense']): Html {
  return table(
    'Dense attention, forward, beside the best matrix product in the same turns',
    [
      { heading: 'Tokens', cell: ({ length }) => length },
      { heading: 'Heads', cell: ({ heads, headDim }) => `${heads} of ${headDim}` },
      { heading: 'GFLOP/s', cell: ({ gflops }) => short(gflops) },
      { heading: 'Of the peak', cell: ({ shareOfPeak }) => orNothing(shareOfPeak, shareText) },
    ],
    dense,
  );
}

function roofTable(rows: readonly RooflineRow[]): Html {
  const columns: Column<RooflineRow>[] = [
    { heading: 'Kernel', cell: ({ kernel }) => kernel },
    { heading: 'Shape', cell: ({ shape }) => shape },
    { heading: 'Time, ms', cell: ({ medianMs }) => short(medianMs) },
    { heading: 'FLOPs a byte', cell: ({ intensity }) => short(intensity) },
    { heading: 'GFLOP/s', cell: ({ gflops }) => short(gflops) },
    { heading: 'Of its roof', cell: ({ shareOfRoof }) => shareText(shareOfRoof) },
  ];
  return table('Kernels under the roof', columns, rows);
}

/** How time grows with the pairs, as `bench growth` measured it. */
export function growthSection(report: GrowthReport): Section {
  const { rows, gate, settings } = report;
  const known = rows.filter(({ ratioToShortest }) => ratioToShortest !== null);
  const main = known.reduce<GrowthRow | undefined>(
    (longest, row) => (longest && longest.length >= row.length ? longest : row),
    undefined,
  );
  const point = main
    ? {
        finding: `A useful pair of ${whole(main.length)} pieces takes ${times(main.ratioToShortest!)} the time of one of the shortest document`,
        lead: html`${main.strategy}, ${main.rules}, ${passName(main.pass)}: 99 % interval ${times(main.ratioLow!)} to ${times(main.ratioHigh!)}. Buffers take ${short(main.bytesPerToken / 1024)} KiB a token.`,
      }
    : { finding: 'Nothing was measured', lead: html`` };
  const own: Column<GrowthRow>[] = [
    { heading: 'Pieces', cell: ({ length }) => length },
    { heading: 'Strategy', cell: ({ strategy }) => strategy },
    { heading: 'Rules', cell: ({ rules }) => rules },
    { heading: 'Pass', cell: ({ pass }) => passName(pass) },
    { heading: 'Heads', cell: ({ heads, headDim }) => `${heads} of ${headDim}` },
    { heading: 'Time, ms', cell: ({ medianMs }) => short(medianMs) },
    { heading: 'Useful pairs', cell: ({ usefulPairs }) => whole(usefulPairs) },
    { heading: 'KiB a token', cell: ({ bytesPerToken }) => short(bytesPerToken / 1024) },
  ];
  const compared: Column<GrowthRow>[] = [
    { heading: 'Useful pair and head, ns', cell: ({ nsPerUsefulPair }) => orNothing(nsPerUsefulPair, short) },
    { heading: 'Over the shortest’s', cell: ({ ratioToShortest }) => orNothing(ratioToShortest, times) },
    {
      heading: '99 % interval',
      cell: ({ ratioLow, ratioHigh }) =>
        ratioLow === null || ratioHigh === null ? NOTHING : `${times(ratioLow)} to ${times(ratioHigh)}`,
    },
  ];
  const columns = gate.passed ? [...own, ...compared] : own;
  return sectionOf(
    'Growth with length',
    report,
    point,
    settings.data,
    table('Documents in turns', columns, rows),
  );
}

/** Others' attention beside ours, as `bench peers` measured it. */
export function peersSection(report: PeersReport): Section {
  const { rows, gate, settings } = report;
  const own: Column<PeerRow>[] = [
    { heading: 'Peer', cell: ({ peer }) => peer },
    { heading: 'Pieces', cell: ({ length }) => length },
    { heading: 'Pass', cell: ({ pass }) => passName(pass) },
    { heading: 'Mask', cell: ({ mask }) => (mask ? 'hard rules' : 'none') },
    { heading: 'Heads', cell: ({ heads, headDim }) => `${heads} of ${headDim}` },
    { heading: 'Time, ms', cell: ({ medianMs }) => orNothing(medianMs, short) },
    {
      heading: 'Largest error',
      cell: ({ maxError }) => orNothing(maxError, (error) => error.toExponential(1)),
    },
    { heading: 'What was wrong', cell: ({ error }) => error ?? NOTHING },
  ];
  const compared: Column<PeerRow> = {
    heading: 'Its time over ours, with 99 % confidence',
    cell: ({ ratioToParsimonyLow: low, ratioToParsimonyHigh: high }) =>
      low === null || high === null ? NOTHING : `${times(low)} to ${times(high)}`,
  };
  const peers = new Set(rows.map(({ peer }) => peer)).size;
  const point = {
    finding: `${peers} implementations of attention ran side by side`,
    lead: html`A peer that is wrong has a time, but no ratio.`,
  };
  const columns = gate.passed ? [...own, compared] : own;
  return sectionOf('Peers', report, point, settings.data, table('Every peer', columns, rows, 'words'));
}
