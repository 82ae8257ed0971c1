import { shortened } from '../src/base/errors.js';
import { NOTHING, orNothing, percent, short, times, whole } from '../src/report/page/numbers.js';
import type { AttentionReport } from './attention-bench.js';
import type { AttentionRow } from './attention-row.js';
import type { ContenderRow } from './contender-row.js';
import { checkCounts } from './gate.js';
import { type GpuReport, type PartReport, sectionsTable, shownReports } from './gpu-report.js';
import type { GrowthReport, GrowthRow } from './growth-bench.js';
import { limitsTables } from './limits-tables.js';
import type { PeerRow } from './peers/peer-row.js';
import {
  aboveIdeal,
  isAboveBound,
  isAttentionImpossible,
  isImpossible,
  isStepImpossible,
  isUnclear,
} from './plausibility.js';
import {
  type BenchColumn,
  type BenchTable,
  benchTable,
  column,
  intervalText,
  type Measured,
  number,
  speedupInterval,
  toneOf,
  trusted,
} from './report-table.js';
import { mostToGain, type StepReport, type StepRow } from './step-bench.js';
import {
  COMPARES,
  HEADS,
  LENGTH,
  PAGES,
  PAIR_TIME,
  PASS,
  RULES,
  SEQUENCES,
  SPEEDUP_INTERVAL,
  STRATEGY,
  TIME,
} from './table-columns.js';
import type { KernelCost } from './trace.js';

const ATTENTION_COLUMNS: readonly BenchColumn<AttentionRow>[] = [
  LENGTH,
  SEQUENCES,
  HEADS,
  PASS,
  TIME,
  number('kernels alone, ms', 'gpuMedianMs', short),
  number('useful pairs', 'usefulPairs', whole, PAGES),
  number('executed pairs', 'executedPairs', whole, PAGES),
  column(
    'executed pairs for dK and dV',
    (row) => (row.pass === 'forward' ? NOTHING : whole(row.executedPairsTransposed)),
    PAGES,
  ),
  number('dense pairs', 'densePairs', whole, PAGES),
  number('density', 'density', percent),
  column('joined in 3 layers', ({ closure }) => orNothing(closure ?? null, percent)),
  number('waste', 'waste', (waste) => waste.toFixed(3)),
  number('ideal speed-up', 'idealSpeedup', times, COMPARES),
  column('measured speed-up', (row) => `${orNothing(row.realisedSpeedup, times)}${aboveIdeal(row)}`, {
    ...COMPARES,
    tone: (row) => (isImpossible(row) ? 'bad' : toneOf(row.ratioLow, row.ratioHigh)),
  }),
  column('99 % interval', (row) => `${speedupInterval(row)}${isUnclear(row) ? ', too wide' : ''}`, COMPARES),
  number('of ideal', 'realisedFraction', percent, COMPARES),
  number('its plan allows', 'boundSpeedup', times, COMPARES),
  number('its plan allows, ms', 'boundMs', short, { ...COMPARES, ...PAGES }),
  column(
    'of what its plan allows',
    (row) =>
      `${orNothing(row.boundFraction ?? null, percent)}${isAboveBound(row) ? ', not to be trusted' : ''}`,
    { ...COMPARES, tone: (row) => (isAboveBound(row) ? 'bad' : undefined) },
  ),
  number('useful GFLOP/s', 'usefulGflops', short, { ...COMPARES, ...PAGES }),
  number('executed GFLOP/s', 'executedGflops', short, COMPARES),
  number('least traffic, GB/s', 'leastGBs', short, COMPARES),
  number('executed pair over dense’s', 'executedCostRatio', times, COMPARES),
  PAIR_TIME,
  number('token, µs', 'usPerToken', short, COMPARES),
  number('sorting and planning, ms', 'planMs', short, PAGES),
  column('GPU buffers, MiB', ({ bufferBytes }) => short(bufferBytes / 2 ** 20), PAGES),
  column('token order', ({ order }) => order, PAGES),
  { ...RULES, ...PAGES },
];

const CONTENDER_COLUMNS: readonly BenchColumn<ContenderRow>[] = [
  column('contender', ({ contender }) => contender),
  STRATEGY,
  RULES,
  LENGTH,
  SEQUENCES,
  HEADS,
  PASS,
  column('check', ({ error }) => (error === null ? 'right' : `WRONG: ${shortened(error, 60)}`), {
    tone: ({ error }) => (error === null ? 'good' : 'bad'),
  }),
  TIME,
  number('ideal speed-up', 'idealSpeedup', times, COMPARES),
  column('measured speed-up', (row) => `${orNothing(row.realisedSpeedup, times)}${aboveIdeal(row)}`, {
    ...COMPARES,
    tone: (row) => (isImpossible(row) ? 'bad' : toneOf(row.ratioLow, row.ratioHigh)),
  }),
  SPEEDUP_INTERVAL,
  column(
    'its time over ours, with 99 % confidence',
    (row) => intervalText(row.ratioToParsimonyLow, row.ratioToParsimonyHigh),
    COMPARES,
  ),
  number('useful GFLOP/s', 'usefulGflops', short, COMPARES),
  number('least traffic, GB/s', 'leastGBs', short, COMPARES),
  number('largest error', 'maxError', (error) => error.toExponential(1), PAGES),
];

/** A strategy by its name, and by its rules where there are several. */
export function strategyName(
  { strategy, rules }: Pick<AttentionRow, 'strategy' | 'rules'>,
  ruleSets: readonly string[],
): string {
  const isEnough = ruleSets.length < 2 || strategy === 'none' || strategy === 'hard-random';
  return isEnough ? strategy : `${strategy}, ${rules}`;
}

/** The table of `bench attention`. @param nameOf The name of a row's strategy. */
export function attentionTable(
  report: AttentionReport,
  title: string,
  rows: readonly AttentionRow[],
  nameOf: (row: AttentionRow) => string,
): BenchTable {
  const counts =
    'Pairs are counted per head: useful are those that the rules allow, executed those that the kernel multiplies, padding included, dense all there are. Density is useful over dense, waste executed over useful. Kernels alone are timed in other turns, with a pass for each dispatch.';
  const speedups = report.gate.passed
    ? ' The ideal speed-up is dense over useful pairs. A plan allows less where it pads, where steps are few and where some threads or multiprocessors idle: a model of this adapter, measured with the dense kernel.'
    : '';
  const columns = [column('strategy', nameOf), ...ATTENTION_COLUMNS];
  return benchTable(report, title, columns, rows, { note: `${counts}${speedups}` });
}

/** The table of the caller's implementations; undefined where there are none. */
export function contendersTable(report: AttentionReport): BenchTable | undefined {
  const { contenders = [] } = report;
  if (contenders.length === 0) return undefined;
  const note =
    'In the same turns as ours. One that is wrong is not timed. Speed-up is over our dense attention; ideal are its pairs over theirs.';
  return benchTable(report, 'Contenders', CONTENDER_COLUMNS, contenders, { alignment: 'words', note });
}

/** Whether the kernels multiplied the pairs of their plans. */
export function areCountsEqual({ rows }: AttentionReport): boolean {
  return rows.every(
    ({ countedPairs, executedPairs: executed, executedPairsTransposed: executedTransposed }) => {
      return checkCounts({ pairCounts: { executed, executedTransposed } }, countedPairs).passed;
    },
  );
}

/** The table of the preparation before the kernels run. */
export function preparationTable(report: AttentionReport): BenchTable {
  const columns = [column('stage', ({ stage }: { stage: string }) => stage), LENGTH, SEQUENCES, TIME];
  const title = 'Before the kernels, on the CPU; not part of the times above';
  return benchTable(report, title, columns, report.preparation);
}

/** A fitted density, which may be outside of 0 to 1. */
function densityText(density: number): string {
  if (density <= 0) return 'none';
  return density > 1 ? 'any' : percent(density);
}

/** The table of the shortest lengths at which sparse attention is faster. */
export function breakEvenTable(report: AttentionReport): BenchTable {
  const shortest = Math.min(...report.rows.map(({ length }) => length));
  const from = (length: number | null) => {
    if (length === null) return 'never here';
    return length === shortest ? `${length} or less` : length;
  };
  return benchTable<AttentionReport['breakEven'][number]>(
    report,
    'Faster than dense, with 99 % confidence, from this many tokens on',
    [
      column('strategy', ({ strategy, rules }) => (strategy === 'hard-random' ? rules : strategy)),
      RULES,
      HEADS,
      PASS,
      column('tokens', ({ length }) => from(length)),
      column('tokens, with sorting and planning', ({ lengthWithPlanning }) => from(lengthWithPlanning)),
      number('below a density of', 'density', densityText),
    ],
    report.breakEven,
    { alignment: 'words' },
  );
}

/** The share of a step that is attention. */
export function attentionShare({ attentionMs, medianMs }: StepRow): number {
  return attentionMs / medianMs;
}

export function batchName({ batch, length }: Pick<StepRow, 'batch' | 'length'>): string {
  return `${batch} x ${length} tokens`;
}

const STEP_COLUMNS: readonly BenchColumn<StepRow>[] = [
  column('batch', batchName),
  STRATEGY,
  number('step, ms', 'medianMs', short),
  column('tokens a second', ({ tokensPerSecond }) => whole(Math.round(tokensPerSecond))),
  number('all kernels, ms', 'kernelsMs', short),
  number('attention, ms', 'attentionMs', short),
  column('attention’s share', (row) => percent(attentionShare(row))),
  column(
    'attention alone, speed-up',
    (row) => trusted(orNothing(row.attentionSpeedup, times), isAttentionImpossible(row)),
    { ...COMPARES, tone: (row) => (isAttentionImpossible(row) ? 'bad' : undefined) },
  ),
  column(
    'Amdahl predicts',
    (row) => (isAttentionImpossible(row) ? NOTHING : orNothing(row.predictedSpeedup, times)),
    COMPARES,
  ),
  number('with ideal attention', 'predictedFromIdeal', times, COMPARES),
  column(
    'with free attention',
    (row) => (row.strategy === 'none' ? times(mostToGain(attentionShare(row))) : NOTHING),
    { ...COMPARES, ...PAGES },
  ),
  column('measured step', (row) => trusted(orNothing(row.realisedSpeedup, times), isStepImpossible(row)), {
    ...COMPARES,
    tone: (row) => (isStepImpossible(row) ? 'bad' : toneOf(row.ratioLow, row.ratioHigh)),
  }),
  SPEEDUP_INTERVAL,
];

/** The precision, where a title must name it. */
function suffixOf({ settings }: AttentionReport | StepReport): string {
  return settings.precision === 'f16' ? ', f16' : '';
}

export function stepTable(report: StepReport): BenchTable {
  return benchTable(report, `Training steps${suffixOf(report)}`, STEP_COLUMNS, report.rows);
}

/** The number of kernels that a terminal shows. */
export const COSTLIEST = 10;

/** The costliest kernels of a training step, and the times of its stages on the CPU. */
function stepKernelsTable(report: StepReport, row: StepRow): BenchTable {
  const costs = row.kernels.slice(0, COSTLIEST).map(({ kernel, dispatches, medianMs }) => {
    return { kernel, dispatches, ms: medianMs, share: medianMs / row.kernelsMs };
  });
  const stages = Object.entries(row.stagesMs).map(([name, ms]) => `${name} ${ms.toFixed(2)} ms`);
  const note = `On the CPU: ${stages.join(', ')}; plan and upload are ${percent(row.planningShare)} of the step.`;
  return {
    ...costsTable(report, `Kernels, costliest first: ${row.strategy}, ${batchName(row)}`, costs),
    note,
  };
}

/** The table of kernels with their shares of a step. */
export function costsTable(report: Measured, title: string, costs: readonly KernelCost[]): BenchTable {
  const columns: BenchColumn<KernelCost>[] = [
    column('kernel', ({ kernel }) => kernel),
    column('dispatches a step', ({ dispatches }) => dispatches),
    number('time a step, ms', 'ms', short),
    number('of all kernels', 'share', percent),
  ];
  return benchTable(report, title, columns, costs);
}

const GROWTH_COLUMNS: readonly BenchColumn<GrowthRow>[] = [
  LENGTH,
  STRATEGY,
  RULES,
  PASS,
  HEADS,
  TIME,
  number('useful pairs', 'usefulPairs', whole),
  number('KiB a token', 'bytesPerToken', (bytes) => short(bytes / 1024)),
  PAIR_TIME,
  number('over the shortest’s', 'ratioToShortest', times, COMPARES),
  column('99 % interval', (row) => intervalText(row.ratioLow, row.ratioHigh), COMPARES),
];

const PEER_COLUMNS: readonly BenchColumn<PeerRow>[] = [
  column('peer', ({ peer }) => peer),
  LENGTH,
  PASS,
  column('mask', ({ mask }) => (mask ? 'hard rules' : 'none')),
  HEADS,
  TIME,
  number('kernels alone, ms', 'gpuMedianMs', short),
  number('useful GFLOP/s', 'usefulGflops', short, COMPARES),
  number('largest error', 'maxError', (error) => error.toExponential(1)),
  column('what was wrong', ({ error }) => error ?? NOTHING, {
    tone: ({ error }) => (error ? 'bad' : undefined),
  }),
  column(
    'its time over ours, with 99 % confidence',
    (row) => intervalText(row.ratioToParsimonyLow, row.ratioToParsimonyHigh),
    COMPARES,
  ),
];

const PEERS_NOTE =
  'The mask of other libraries is a tensor of all pairs; ours is a plan of the pairs that exist. Those that end in -cpu do not use WebGPU. PyTorch’s run where python3 has it, through CUDA on the same card, its own clock by CUDA’s events. onnxruntime’s times include reading the output. A peer with wrong results has a time, but no ratio.';

export type BenchReport = PartReport | GrowthReport | GpuReport;

/** All tables of a report. */
export function tablesOf(report: BenchReport): BenchTable[] {
  switch (report.kind) {
    case 'attention': {
      const nameOf = (row: AttentionRow) => strategyName(row, report.settings.rules);
      const rows = attentionTable(report, `Attention${suffixOf(report)}`, report.rows, nameOf);
      const breakEven = report.breakEven.length > 0 ? [breakEvenTable(report)] : [];
      const contenders = contendersTable(report);
      return [rows, ...(contenders ? [contenders] : []), preparationTable(report), ...breakEven];
    }
    case 'step':
      return [stepTable(report), ...report.rows.map((row) => stepKernelsTable(report, row))];
    case 'growth':
      return [benchTable(report, 'Documents in turns', GROWTH_COLUMNS, report.rows)];
    case 'limits':
      return limitsTables(report);
    case 'gpu':
      return [sectionsTable(report), ...shownReports(report).flatMap(tablesOf)];
    case 'peers':
      return [
        benchTable(report, 'Every peer', PEER_COLUMNS, report.rows, { alignment: 'words', note: PEERS_NOTE }),
      ];
  }
}
