import { NOTHING, orNothing, times } from '../src/report/page/numbers.js';
import type { Pass } from './attention-settings.js';
import type { GateResult } from './gate.js';

type Tone = 'good' | 'bad' | undefined;

interface ColumnOptions<Row> {
  /** Whether it compares times: it is left out where the gate is red. */
  compares?: true;
  /** Whether it is left out on a terminal, which has no room. */
  onPagesOnly?: true;
  /** The colour on a terminal. */
  tone?(row: Row): Tone;
}

export interface BenchColumn<Row> extends ColumnOptions<Row> {
  heading: string;
  cell(row: Row): string | number;
}

/** A table of a benchmark's report, for a terminal and for a page. The first column names the row. */
export interface BenchTable {
  title: string;
  columns: { heading: string; onPagesOnly?: true }[];
  rows: { text: string | number; tone: Tone }[][];
  alignment: 'numbers' | 'words';
  /** An explanation for readers. */
  note?: string;
}

/** The parts of a report that tables need. */
export interface Measured {
  environment: { software: boolean };
  gate?: Pick<GateResult, 'passed'>;
}

export function benchTable<Row>(
  { environment, gate }: Measured,
  title: string,
  columns: readonly BenchColumn<NoInfer<Row>>[],
  rows: readonly Row[],
  more: { alignment?: 'words'; note?: string } = {},
): BenchTable {
  const shown = columns.filter(({ compares }) => gate?.passed !== false || !compares);
  return {
    title,
    columns: shown.map(({ heading, onPagesOnly }) => {
      const isOfSoftware = environment.software && /, ms|GFLOP|GB\/s|a second/.test(heading);
      return { heading: isOfSoftware ? `${heading} (software)` : heading, onPagesOnly };
    }),
    rows: rows.map((row) => shown.map(({ cell, tone }) => ({ text: cell(row), tone: tone?.(row) }))),
    alignment: 'numbers',
    ...more,
  };
}

export function column<Row>(
  heading: string,
  cell: (row: Row) => string | number,
  more?: ColumnOptions<Row>,
): BenchColumn<Row> {
  return { heading, cell, ...more };
}

/** A column of a row's number, or of a dash where it is null or absent from an older file. */
export function number<Name extends string>(
  heading: string,
  name: Name,
  format: (value: number) => string,
  more?: ColumnOptions<unknown>,
): BenchColumn<Record<Name, number | null>> {
  return { heading, cell: (row) => orNothing(row[name] ?? null, format), ...more };
}

export function passName(pass: Pass): string {
  return { forward: 'forward', backward: 'backward alone', 'forward+backward': 'forward and backward' }[pass];
}

/** The end of an interval. Two turns that differ give one of many powers of ten, whose digits tell nothing. */
function endText(value: number): string {
  if (value > 0 && value < 0.01) return 'under 0.01x';
  return value > 10_000 ? 'over 10000x' : times(value);
}

/** "1.20x to 1.40x", or a dash without an interval. */
export function intervalText(low: number | null, high: number | null): string {
  return low === null || high === null ? NOTHING : `${endText(low)} to ${endText(high)}`;
}

/** The interval of a speed-up, from that of the ratio to dense attention. */
export function speedupInterval({
  ratioLow,
  ratioHigh,
}: Record<'ratioLow' | 'ratioHigh', number | null>): string {
  return intervalText(ratioHigh && 1 / ratioHigh, ratioLow === null ? null : 1 / ratioLow);
}

/** Whether all of a ratio's interval is below 1 (good) or above it (bad). */
export function toneOf(low: number | null, high: number | null): Tone {
  if (low === null || high === null) return undefined;
  if (high < 1) return 'good';
  return low > 1 ? 'bad' : undefined;
}

/** A figure, with a warning where it is above its bound. */
export function trusted(value: string, isAboveBound: boolean): string {
  return isAboveBound ? `${value}, not to be trusted` : value;
}
