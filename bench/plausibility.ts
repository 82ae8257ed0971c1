import { percent, times } from '../src/report/page/numbers.js';
import { speedupInterval } from './report-table.js';
import { isTooWide, WIDEST_INTERVAL } from './statistics.js';

/** The warning about a figure above its bound. */
export const IMPOSSIBLE = 'above what the plan allows: timing is not to be trusted';

/** The tolerance of a speed-up without an interval, a quotient of two medians, or beside a wide one. */
const WITHOUT_INTERVAL = 1.05;

/** A row with the upper end of its time's ratio to dense, and the largest possible speed-up. */
interface BoundedRow {
  ratioHigh: number | null;
  idealSpeedup: number;
}

/** Whether all of a speed-up's interval is above the largest possible one. */
export function isImpossible({ ratioHigh, idealSpeedup }: BoundedRow): boolean {
  return ratioHigh !== null && 1 / ratioHigh > idealSpeedup;
}

/** The warning about a speed-up above the largest possible one; empty for any other. */
export function aboveIdeal(row: BoundedRow & { realisedSpeedup: number | null }): string {
  if (isImpossible(row)) return ', above the ideal: not to be trusted';
  const isAbove = (row.realisedSpeedup ?? 0) > WITHOUT_INTERVAL * row.idealSpeedup;
  return isAbove ? ', above the ideal by noise' : '';
}

/** A row with what its plan allows, which older files lack. */
interface PlannedRow {
  ratioHigh: number | null;
  boundSpeedup?: number | null;
}

/** Whether all of a speed-up's interval is above what the model of the adapter's schedule gives for its plan. */
export function isAboveBound({ ratioHigh, boundSpeedup }: PlannedRow): boolean {
  return isImpossible({ ratioHigh, idealSpeedup: boundSpeedup ?? Number.POSITIVE_INFINITY });
}

/** A row with the interval of its time's ratio to dense. */
interface ComparedRow {
  ratioToDense: number | null;
  ratioLow: number | null;
  ratioHigh: number | null;
}

/** Whether a speed-up is uncertain: its interval is too wide. */
export function isUnclear({ ratioToDense, ratioLow, ratioHigh }: ComparedRow): boolean {
  return ratioToDense !== null && isTooWide({ ratio: ratioToDense, low: ratioLow!, high: ratioHigh! });
}

/** A warning that names the least certain speed-up, if some are uncertain. */
function noiseWarning(kind: string, rows: readonly AnyRow[]): string[] {
  const unclear = rows.filter(isUnclear);
  if (kind !== 'attention' || unclear.length === 0) return [];
  const width = ({ ratioLow, ratioHigh }: AnyRow) => ratioHigh! / ratioLow!;
  const worst = unclear.reduce((worst, row) => (width(row) > width(worst) ? row : worst));
  return [
    `the machine is too noisy to tell ${unclear.length} of ${rows.length} speed-ups within ${percent(WIDEST_INTERVAL)}: ${nameOf(worst)}, ${worst.pass}, ${speedupInterval(worst)} after ${worst.repeats} turns`,
  ];
}

/** The fields of a training step that have bounds. */
interface BoundedStep {
  density: number;
  attentionSpeedup: number | null;
  /** The lower end of its interval, which older files lack. */
  attentionSpeedupLow?: number | null;
  ratioHigh: number | null;
  predictedFromIdeal: number | null;
}

/** Whether a step's attention is faster than its pairs allow. */
export function isAttentionImpossible({
  density,
  attentionSpeedup,
  attentionSpeedupLow,
}: BoundedStep): boolean {
  const least = attentionSpeedupLow ?? (attentionSpeedup ?? 0) / WITHOUT_INTERVAL;
  return least > 1 / density;
}

/** Whether a whole step is faster than ideal attention makes it (Amdahl). */
export function isStepImpossible({ ratioHigh, predictedFromIdeal }: BoundedStep): boolean {
  return predictedFromIdeal !== null && isImpossible({ ratioHigh, idealSpeedup: predictedFromIdeal });
}

/** Whether a share of a peak or of a roof is more than all of it. */
export function isOverAll(share: number | null): boolean {
  return share !== null && share > 1;
}

/** The load averages of a machine, and its cores. */
interface Machine {
  load: readonly number[];
  system: { cores: number };
}

/** A warning where the load is higher than the number of cores, otherwise undefined. */
export function loadWarning({ load: [load], system }: Machine): string | undefined {
  if (!(load > system.cores)) return undefined;
  return `the machine was loaded at the start, load ${load.toFixed(1)} on ${system.cores} ${system.cores === 1 ? 'core' : 'cores'}: times are not to be trusted`;
}

/** A report of any benchmark. */
interface CheckedReport {
  kind: string;
  environment: Machine;
  rows?: readonly object[];
  /** Only `bench attention` has them. */
  contenders?: readonly object[];
  /** Only `bench gpu` has them. */
  reports?: readonly CheckedReport[];
  /** Where results were wrong, their speed is not checked. */
  gate?: { passed: boolean };
  /** Only `bench limits` has them. */
  dense?: readonly { length: number; shareOfPeak: number | null }[];
}

type AnyRow = BoundedRow &
  PlannedRow &
  ComparedRow &
  BoundedStep & {
    strategy: string;
    peer?: string;
    contender?: string;
    pass: string;
    batch: number;
    length: number;
    repeats: number;
    realisedSpeedup: number | null;
    kernel: string;
    shareOfRoof: number;
  };

function nameOf({ peer, contender, strategy, batch, length }: AnyRow): string {
  return `${peer ?? contender ?? strategy}, ${batch} x ${length} tokens`;
}

function ofRow(kind: string, row: AnyRow): string[] {
  const name = nameOf(row);
  switch (kind) {
    case 'attention':
    case 'peers':
      if (!isImpossible(row)) {
        if (!isAboveBound(row)) return [];
        return [
          `${name}, ${row.pass}: speed-up ${times(row.realisedSpeedup!)} of ${times(row.boundSpeedup!)} that its plan allows on this adapter: the time, or the model of the adapter, is not to be trusted`,
        ];
      }
      return [
        `${name}, ${row.pass}: speed-up ${times(row.realisedSpeedup!)} of an ideal ${times(row.idealSpeedup)} is ${IMPOSSIBLE}`,
      ];
    case 'step': {
      const attention = `${name}, attention alone: speed-up ${times(row.attentionSpeedup ?? 0)} of an ideal ${times(1 / row.density)} is ${IMPOSSIBLE}`;
      const step = `${name}, the step: speed-up ${times(row.realisedSpeedup ?? 0)}, with ideal attention ${times(row.predictedFromIdeal ?? 0)}, is ${IMPOSSIBLE}`;
      return [...(isAttentionImpossible(row) ? [attention] : []), ...(isStepImpossible(row) ? [step] : [])];
    }
    case 'limits':
      if (!isOverAll(row.shareOfRoof)) return [];
      return [`${row.kernel}: ${percent(row.shareOfRoof)} of its roof is ${OVER_ALL}`];
    default:
      return [];
  }
}

/** The warning about more than 100 % of a peak. */
const OVER_ALL = 'more than there is: the peak or the time is not to be trusted';

/** The plausibility checks of a report. @returns Warnings: a loaded or noisy machine, speed-ups above their bounds, shares over 100 %. */
export function plausibilityWarnings(report: CheckedReport): string[] {
  const { kind, environment, gate, rows = [], contenders = [], reports = [], dense = [] } = report;
  const load = loadWarning(environment);
  const loaded = load ? [load] : [];
  if (gate?.passed === false) return loaded;
  // Each part starts while the machine is busy with the run itself.
  const ofParts = reports.flatMap((part) => plausibilityWarnings({ ...part, environment }));
  return [
    ...loaded,
    ...dense
      .filter(({ shareOfPeak }) => isOverAll(shareOfPeak))
      .map(
        ({ length, shareOfPeak }) =>
          `dense attention of ${length} tokens: ${percent(shareOfPeak!)} of our best matrix product is more than all of it: that product is not the adapter’s limit, or a time is not to be trusted`,
      ),
    ...[...rows, ...contenders].flatMap((row) => ofRow(kind, row as AnyRow)),
    ...noiseWarning(kind, rows as readonly AnyRow[]),
    ...ofParts.filter((warning) => warning !== load),
  ];
}
