import { NOTHING, orNothing, times } from '../src/report/page/numbers.js';
import type { Pass } from './attention-settings.js';
import type { GateResult } from './gate.js';

type Tone = 'good' | 'bad' | undefined;

interface ColumnOptions<Row> {
  /** It compares times: left out where the gate is red. */
  compares?: true;
  /** Left to pages, for a terminal has no room. */
  onPagesOnly?: true;
  /** How a terminal colours it. */
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
  /** What a reader must know of it. */
  note?: string;
}

/** What tables need to know of a report. */
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
      const isOfSoftware = environment.software && /, ms|GFLOP|a second/.test(heading);
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

/** A column of one of the row's numbers, or of a dash where it is null, or absent from an older file. */
export function number<Name extends string>(
  heading: string,
  name: Name,
  format: (value: number) => string,
  more?: ColumnOptions<unknown>,
): BenchColumn<Record<Name, number | null>> {
  return { heading, cell: (row) => orNothing(row[name] ?? null, format), ...more };
}

export function passName(pass: Pass): string {
  return pass === 'forward' ? pass : 'forward and backward';
}

/** "1.20x to 1.40x", where the ends of an interval are shown. */
export function intervalText(low: number | null, high: number | null): string {
  return low === null || high === null ? NOTHING : `${times(low)} to ${times(high)}`;
}

/** The interval of a speed-up, from that of the time over the time of dense attention. */
export function speedupInterval({
  ratioLow,
  ratioHigh,
}: Record<'ratioLow' | 'ratioHigh', number | null>): string {
  return intervalText(ratioHigh && 1 / ratioHigh, ratioLow && 1 / ratioLow);
}

/** Whether an interval of a time over another is all below 1, or all above it. */
export function toneOf(low: number | null, high: number | null): Tone {
  if (low === null || high === null) return undefined;
  if (high < 1) return 'good';
  return low > 1 ? 'bad' : undefined;
}

/** A figure, marked where it is above its bound. */
export function trusted(value: string, isAboveBound: boolean): string {
  return isAboveBound ? `${value}, not to be trusted` : value;
}
