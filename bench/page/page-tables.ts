import { adapterName } from '../../src/gpu/adapter-name.js';
import { type Column, type Html, html, table } from '../../src/report/page/html.js';
import { NOTHING, orNothing, percent, short, times, whole } from '../../src/report/page/numbers.js';
import type { AttentionReport } from '../attention-bench.js';
import type { Environment } from '../environment.js';
import { isImpossible } from '../suspicions.js';
import { isShown, passName, speedupInterval } from './row-format.js';
import type { SeriesRow, Shape } from './series.js';

type RowColumn = Column<SeriesRow> & {
  /** Left out of a report with a red gate. */
  compares?: true;
};

const ROW_COLUMNS: readonly RowColumn[] = [
  { heading: 'Strategy', cell: ({ series }) => series.name },
  { heading: 'Pieces', cell: ({ row }) => row.length },
  { heading: 'Sequences', cell: ({ row }) => row.batch },
  { heading: 'Heads', cell: ({ row }) => `${row.heads} of ${row.headDim}` },
  { heading: 'Pass', cell: ({ row }) => passName(row.pass) },
  { heading: 'Time, ms', cell: ({ row }) => short(row.medianMs) },
  { heading: 'Kernels alone, ms', cell: ({ row }) => orNothing(row.gpuMedianMs, short) },
  { heading: 'Useful pairs', cell: ({ row }) => whole(row.usefulPairs) },
  { heading: 'Executed pairs', cell: ({ row }) => whole(row.executedPairs) },
  {
    heading: 'Executed pairs for dK and dV',
    cell: ({ row }) => (row.pass === 'forward' ? NOTHING : whole(row.executedPairsTransposed)),
  },
  { heading: 'Dense pairs', cell: ({ row }) => whole(row.densePairs) },
  { heading: 'Density', cell: ({ row }) => percent(row.density) },
  { heading: 'Waste', cell: ({ row }) => row.waste.toFixed(3) },
  { heading: 'Ideal speed-up', compares: true, cell: ({ row }) => times(row.idealSpeedup) },
  {
    heading: 'Realised speed-up',
    compares: true,
    cell: ({ row }) =>
      `${orNothing(row.realisedSpeedup, times)}${isImpossible(row) ? ', above the ideal: not to be trusted' : ''}`,
  },
  {
    heading: '99 % interval',
    compares: true,
    cell: ({ row }) => (isShown(row) ? speedupInterval(row) : NOTHING),
  },
  {
    heading: 'Realised fraction',
    compares: true,
    cell: ({ row }) => orNothing(row.realisedFraction, percent),
  },
  { heading: 'Useful GFLOP/s', compares: true, cell: ({ row }) => orNothing(row.usefulGflops, short) },
  { heading: 'Executed GFLOP/s', compares: true, cell: ({ row }) => orNothing(row.executedGflops, short) },
  { heading: 'Sorting and planning, ms', cell: ({ row }) => short(row.planMs) },
  { heading: 'GPU buffers, MiB', cell: ({ row }) => short(row.bufferBytes / 2 ** 20) },
  { heading: 'Token order', cell: ({ row }) => row.order },
  { heading: 'Rules', cell: ({ row }) => row.rules },
];

function marked(heading: string, software: boolean): string {
  return software && /, ms|GFLOP/.test(heading) ? `${heading} (software)` : heading;
}

/** Everything that was measured. */
export function rowTables(shapes: readonly Shape[], { gate, environment }: AttentionReport): Html {
  const columns = ROW_COLUMNS.filter(({ compares }) => gate.passed || !compares).map((column) => ({
    ...column,
    heading: marked(column.heading, environment.software),
  }));
  const tables = shapes.map((shape) => table(`Rows: ${shape.title}`, columns, shape.rows));
  return html`<p>Pairs are counted three ways, per head: <em>useful</em> are those that the rules allow, <em>executed</em> those that the kernel multiplies, padding included, <em>dense</em> all there are. Density is useful over dense, waste executed over useful.${
    gate.passed
      ? ' The ideal speed-up is dense over useful pairs, the realised fraction realised over ideal speed-up.'
      : ''
  }</p>
${tables}`;
}

/** What must be done before the kernels run. */
export function preparationTable({ preparation, environment }: AttentionReport): Html {
  return table(
    'Before the kernels, on the CPU; not part of the times above',
    [
      { heading: 'Stage', cell: ({ stage }) => stage },
      { heading: 'Pieces', cell: ({ length }) => length },
      { heading: 'Sequences', cell: ({ batch }) => batch },
      { heading: marked('Time, ms', environment.software), cell: ({ medianMs }) => short(medianMs) },
    ],
    preparation,
  );
}

/** What is fitted may lie outside of what can be. */
function densityText(density: number): string {
  if (density <= 0) return 'none';
  return density > 1 ? 'any' : percent(density);
}

/** From which length on sparse attention pays. */
export function breakEvenTable({ breakEven, rows }: AttentionReport): Html {
  const shortest = Math.min(...rows.map(({ length }) => length));
  const from = (length: number | null) => {
    if (length === null) return 'never here';
    return length === shortest ? `${length} or less` : length;
  };
  return table(
    'Faster than dense, with 99 % confidence, from this many pieces on',
    [
      { heading: 'Strategy', cell: ({ strategy, rules }) => (strategy === 'hard-random' ? rules : strategy) },
      { heading: 'Rules', cell: ({ rules }) => rules },
      { heading: 'Heads', cell: ({ heads, headDim }) => `${heads} of ${headDim}` },
      { heading: 'Pass', cell: ({ pass }) => passName(pass) },
      { heading: 'Pieces', cell: ({ length }) => from(length) },
      {
        heading: 'Pieces, with sorting and planning',
        cell: ({ lengthWithPlanning }) => from(lengthWithPlanning),
      },
      { heading: 'Below a density of', cell: ({ density }) => orNothing(density, densityText) },
    ],
    breakEven,
    'words',
  );
}

function environmentLines(environment: Environment, data: string): [string, unknown][] {
  const { adapter, dawn, packages, system, clocks, load } = environment;
  const pairs = (record: Record<string, string>) =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const known = (...parts: (string | false | undefined)[]) => parts.filter(Boolean).join(', ');
  const name = adapterName(adapter);
  return [
    ['Adapter', `${name} (${known(adapter.kind, adapter.vendor, adapter.architecture)})`],
    ['Driver', name === adapter.description ? '' : adapter.description],
    ['Software adapter', environment.software ? 'yes: it computes on the CPU' : 'no'],
    ['Chosen because', adapter.reason],
    ['Lanes of a subgroup', environment.subgroupLanes ?? 'work is shared through workgroup memory'],
    ['Features', environment.features.join(', ')],
    ['Dawn', `${dawn.package}; toggles: ${dawn.toggles.join(', ') || 'none'}`],
    ['Packages', pairs(packages)],
    [
      'System',
      known(
        system.platform,
        `Node ${system.node}`,
        system.cpu,
        `${system.cores} cores`,
        `${system.memoryGiB} GiB`,
      ),
    ],
    [
      'Clocks',
      known(
        Boolean(clocks.cpuMHz) && `CPU ${clocks.cpuMHz} MHz`,
        clocks.gpu && `GPU and its memory ${clocks.gpu}`,
      ),
    ],
    // Windows has no load averages, and says 0.
    ['Load', load.some((average) => average > 0) ? load.join(', ') : ''],
    ['Hash of the kernels', environment.kernelHash],
    ['Hashes of the rules', pairs(environment.ruleHashes)],
    ['Data', data],
    ['Seed', environment.seed],
    ['Date', environment.date],
  ];
}

/** Where it was measured, on what text, and what repeats it. */
export function environmentSection(environment: Environment, data: string): Html {
  const lines = environmentLines(environment, data).filter(([, value]) => value !== '');
  const rows = lines.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`);
  return html`<p>This command repeats the run:</p>
<pre tabindex="0"><code>${environment.command}</code></pre>
<table class="wrapping"><caption>Environment at the start</caption><tbody>${rows}</tbody></table>`;
}
