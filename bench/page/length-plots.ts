import * as Plot from '@observablehq/plot';
import { capital, percent, short, times } from '../../src/report/page/numbers.js';
import {
  aside,
  type Figure,
  intervals,
  lengthAxis,
  line,
  logAxis,
  markers,
  type Point,
  verticalAxis,
} from '../../src/report/page/plot-frame.js';
import { intervalText, passName, speedupInterval } from '../report-table.js';
import { bySeries, isControl, lengthsOf, mainRow, type Series, type ShownRow } from './series.js';

/** The rows of one pass at one shape. */
export interface PassRows {
  rows: { row: ShownRow; series: Series }[];
  /** The row of the titles; undefined where only dense attention was measured. */
  main: ShownRow | undefined;
  /** Added to the names of times and rates: ", software adapter" on one. */
  onAdapter: string;
}

export function passRows(rows: PassRows['rows'], software: boolean): PassRows {
  const plain = rows.map(({ row }) => row);
  const main = mainRow(plain, plain[0].pass);
  return { rows, main, onAdapter: software ? ', software adapter' : '' };
}

/** "Forward, 512 tokens: hard …" */
export function titled(
  { rows, main }: PassRows,
  point: (main: ShownRow) => string,
  otherwise: string,
): string {
  const pass = capital(passName(rows[0].row.pass));
  return main ? `${pass}, ${main.length} tokens: ${main.strategy} ${point(main)}` : `${pass}: ${otherwise}`;
}

/** The values of every series, in words. */
export function described(rows: PassRows['rows'], wordsFor: (row: ShownRow) => string): string {
  const lines = bySeries(rows).map(({ series, rows: ofSeries }) => {
    return `${series.name}: ${ofSeries.map((row) => `${wordsFor(row)} at ${row.length} tokens`).join(', ')}.`;
  });
  return lines.join(' ');
}

/** Lines over length. Intervals are shifted a little, so that they do not hide each other. */
function linesOverLength(rows: PassRows['rows'], pointOf: (row: ShownRow) => Point): Plot.Markish[] {
  const groups = bySeries(rows);
  const marks = groups.map(({ series, rows: ofSeries }, at) => {
    const points = ofSeries.map((row) => {
      const point = pointOf(row);
      return { ...point, title: `${series.name}, ${row.length} tokens: ${point.title}` };
    });
    const hasIntervals = points[0].low !== undefined;
    const dx = hasIntervals ? aside(at, groups.length) : 0;
    const bars = hasIntervals ? [intervals(points, series.look, dx)] : [];
    return { bars, line: line(points, series.look, dx), markers: markers(points, series.look, dx) };
  });
  return [
    ...marks.flatMap(({ bars }) => bars),
    ...marks.map(({ line }) => line),
    ...marks.map((m) => m.markers),
  ];
}

/** A thin dotted line over length for each series with a best possible value, without markers. */
function idealLines(rows: PassRows['rows'], ideal: (row: ShownRow) => number | undefined): Plot.Markish[] {
  return bySeries(rows).map(({ series, rows: ofSeries }) => {
    const points = ofSeries.flatMap((row) => {
      const y = ideal(row);
      return y === undefined ? [] : [{ x: row.length, y }];
    });
    return Plot.line(points, {
      x: 'x',
      y: 'y',
      stroke: series.look.colour,
      strokeWidth: 1.2,
      strokeDasharray: '1 3',
    });
  });
}

/** The content of a plot over length. */
interface LengthPlot {
  /** The title's words on the main row. */
  point(main: ShownRow): string;
  /** The title's words without a main row. */
  otherwise: string;
  explanation: string;
  value(row: ShownRow): number;
  /** A value in words. */
  format(value: number): string;
  /** The ends of its 99 % interval, where it has one. */
  interval?(row: ShownRow): [low: number, high: number];
  /** A value for comparison, drawn as a dotted line. */
  reference?: number;
  /** The best value that is possible, drawn as a thin dotted line for each series that has one. */
  ideal?(row: ShownRow): number | undefined;
  label: string;
  isLogarithmic?: true;
}

/** The note where intervals are cut. */
export const CUT = '; those that leave the picture are whole in the table';

function lengthPlot(pass: PassRows, rows: PassRows['rows'], plot: LengthPlot): Figure {
  const { point, otherwise, explanation, value, format, interval, reference, ideal, label, isLogarithmic } =
    plot;
  const values = rows.map(({ row }) => value(row));
  // One disturbed run must not flatten all others: its interval is cut, with a note.
  const ideals = rows.map(({ row }) => ideal?.(row) ?? 0);
  const top = Math.max(
    1.2 * (reference ?? 0),
    (interval ? 1.25 : 1.08) * Math.max(...values),
    1.05 * Math.max(...ideals),
  );
  const isCut = rows.some(({ row }) => interval && interval(row)[1] > top);
  const rule = (at: number, more = {}) => Plot.ruleY([at], { stroke: 'currentColor', ...more });
  const words = (row: ShownRow) => {
    const ends = interval ? ` (${interval(row).map(format).join(' to ')})` : '';
    return `${format(value(row))}${ends}`;
  };
  return {
    title: titled(pass, point, otherwise),
    explanation: `${explanation}${interval ? ` Vertical bars are 99 % intervals${isCut ? CUT : ''}.` : ''}`,
    description: described(rows, words),
    series: seriesOf(rows),
    options: {
      x: lengthAxis(lengthsOf(rows)),
      y: isLogarithmic ? logAxis(values, label) : verticalAxis(label, [0, top]),
      marks: [
        ...(reference === undefined ? [] : [rule(reference, { strokeDasharray: '2 3', strokeWidth: 1.5 })]),
        ...(isLogarithmic ? [] : [rule(0)]),
        ...(ideal ? idealLines(rows, ideal) : []),
        ...linesOverLength(rows, (row) => {
          const [low, high] = interval?.(row) ?? [];
          const ends = high === undefined ? {} : { low, high: Math.min(top, high) };
          return { x: row.length, y: value(row), ...ends, title: format(value(row)) };
        }),
      ],
    },
  };
}

/** Time over length. */
export function timePlot(pass: PassRows): Figure {
  return lengthPlot(pass, pass.rows, {
    point: (main) =>
      `takes ${main.ratioToDense.toFixed(2)} of dense’s time (${intervalText(main.ratioLow, main.ratioHigh)})`,
    otherwise: 'time of dense attention',
    explanation:
      'Lower is faster. Both axes are logarithmic: time that grows with the square of the length is a straight line. Dense is the baseline; dashed lines are controls.',
    value: ({ medianMs }) => medianMs,
    format: (ms) => `${short(ms)} ms`,
    label: `median time, ms (log${pass.onAdapter})`,
    isLogarithmic: true,
  });
}

/** Rows of all strategies but dense attention, which is 1 by definition. */
function compared({ rows }: PassRows): PassRows['rows'] {
  return rows.filter(({ row }) => row.strategy !== 'none');
}

/** How many times as fast as dense attention each strategy is, over length. */
export function speedupPlot(pass: PassRows): Figure {
  return lengthPlot(pass, compared(pass), {
    point: (main) => `is ${times(main.realisedSpeedup)} as fast as dense (${speedupInterval(main)})`,
    otherwise: 'no speed-up that can be trusted',
    explanation:
      'Dense attention takes the time 1 at every length, the dotted line: above it is faster, below it slower. A thin dotted line in the colour of a strategy is its ideal: dense pairs by allowed pairs. Dashed lines are controls.',
    value: ({ realisedSpeedup }) => realisedSpeedup,
    format: times,
    interval: ({ ratioLow, ratioHigh }) => [1 / ratioHigh, 1 / ratioLow],
    reference: 1,
    ideal: ({ idealSpeedup, strategy }) =>
      idealSpeedup > 1 && !isControl(strategy) ? idealSpeedup : undefined,
    label: `speed-up over dense, times${pass.onAdapter}`,
  });
}

/** The realised share of the ideal speed-up, over length. */
export function fractionPlot(pass: PassRows): Figure {
  return lengthPlot(pass, compared(pass), {
    point: (main) => `realises ${percent(main.realisedFraction)} of its ideal speed-up`,
    otherwise: 'no speed-up that can be trusted',
    explanation: 'The ideal, the dotted line: time falls as much as the number of allowed pairs.',
    value: ({ realisedFraction }) => 100 * realisedFraction,
    format: (value) => percent(value / 100),
    interval: ({ ratioLow, ratioHigh, idealSpeedup }) => [
      100 / ratioHigh / idealSpeedup,
      100 / ratioLow / idealSpeedup,
    ],
    reference: 100,
    label: `realised share of the ideal speed-up, %${pass.onAdapter}`,
  });
}

/** Executed work a second, over length. */
export function ratePlot(pass: PassRows): Figure {
  return lengthPlot(pass, pass.rows, {
    point: (main) => `executes ${short(main.executedGflops)} GFLOP/s`,
    otherwise: 'executed work a second',
    explanation:
      'Higher is better use of the adapter. Every multiplication and addition of a kernel counts, those on padding too: a high rate of needless work is not fast.',
    value: ({ executedGflops }) => executedGflops,
    format: (rate) => `${short(rate)} executed GFLOP/s`,
    label: `executed GFLOP/s${pass.onAdapter}`,
  });
}

export function seriesOf(rows: PassRows['rows']): Series[] {
  return bySeries(rows).map(({ series }) => series);
}
