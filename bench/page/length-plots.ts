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
} from '../../src/report/page/plot-frame.js';
import { passName, speedupInterval } from '../report-table.js';
import type { ShownRow } from './row-format.js';
import { bySeries, lengthsOf, mainRow, type Series } from './series.js';

/** What the plots of one pass at one shape are made of. */
export interface PassRows {
  rows: { row: ShownRow; series: Series }[];
  /** The row that titles speak of, if anything but dense attention was measured. */
  main: ShownRow | undefined;
  /** What a time or a rate must be called: that of a software adapter carries the word. */
  onAdapter: string;
}

export function passRows(rows: PassRows['rows'], software: boolean): PassRows {
  const plain = rows.map(({ row }) => row);
  const main = mainRow(plain, plain[0].pass);
  return { rows, main, onAdapter: software ? ', software adapter' : '' };
}

/** "Forward, 512 pieces: hard …" */
export function titled(
  { rows, main }: PassRows,
  point: (main: ShownRow) => string,
  otherwise: string,
): string {
  const pass = capital(passName(rows[0].row.pass));
  return main ? `${pass}, ${main.length} pieces: ${main.strategy} ${point(main)}` : `${pass}: ${otherwise}`;
}

/** Every series with its values, in words. */
export function described(rows: PassRows['rows'], wordsFor: (row: ShownRow) => string): string {
  const lines = bySeries(rows).map(({ series, rows: own }) => {
    return `${series.name}: ${own.map((row) => `${wordsFor(row)} at ${row.length} pieces`).join(', ')}.`;
  });
  return lines.join(' ');
}

/** Lines over length; intervals, which would hide each other, are drawn a little apart. */
function linesOverLength(rows: PassRows['rows'], pointOf: (row: ShownRow) => Point): Plot.Markish[] {
  const groups = bySeries(rows);
  const marks = groups.map(({ series, rows: own }, at) => {
    const points = own.map((row) => {
      const point = pointOf(row);
      return { ...point, title: `${series.name}, ${row.length} pieces: ${point.title}` };
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

/** Time over length. */
export function timePlot(pass: PassRows): Figure {
  const { rows, onAdapter } = pass;
  const interval = ({ ratioLow, ratioHigh }: ShownRow) => `${ratioLow.toFixed(2)} to ${ratioHigh.toFixed(2)}`;
  return {
    title: titled(
      pass,
      (main) => `takes ${main.ratioToDense.toFixed(2)} of dense’s time (${interval(main)})`,
      'time of dense attention',
    ),
    explanation:
      'Lower is faster. Both axes are logarithmic: time that grows with the square of the length is a straight line. Dense is the baseline; dashed lines are controls.',
    description: described(rows, ({ medianMs }) => `${short(medianMs)} ms`),
    series: seriesOf(rows),
    options: {
      x: lengthAxis(lengthsOf(rows)),
      y: logAxis(
        rows.map(({ row }) => row.medianMs),
        `median time, ms (log${onAdapter})`,
      ),
      marks: linesOverLength(rows, ({ length, medianMs }) => ({
        x: length,
        y: medianMs,
        title: `${short(medianMs)} ms`,
      })),
    },
  };
}

/** How many times as fast as dense attention each strategy is, over length. */
export function speedupPlot(pass: PassRows): Figure {
  const rows = pass.rows.filter(({ row }) => row.strategy !== 'none');
  // One disturbed run must not flatten all others: what is higher is cut, and said to be.
  const top = Math.max(1.2, 1.25 * Math.max(...rows.map(({ row }) => row.realisedSpeedup)));
  const isCut = rows.some(({ row }) => 1 / row.ratioLow > top);
  return {
    title: titled(
      pass,
      (main) => `is ${times(main.realisedSpeedup)} as fast as dense (${speedupInterval(main)})`,
      'no speed-up that can be trusted',
    ),
    explanation: `Dense attention takes the time 1 at every length, the dotted line: above it is faster, below it slower. Dashed lines are controls. Vertical bars are 99 % bootstrap intervals${isCut ? '; those that leave the picture are whole in the table' : ''}.`,
    description: described(rows, (row) => `${times(row.realisedSpeedup)} (${speedupInterval(row)})`),
    series: seriesOf(rows),
    options: {
      x: lengthAxis(lengthsOf(rows)),
      y: {
        domain: [0, top],
        grid: true,
        ticks: 6,
        label: `speed-up over dense, times${pass.onAdapter}`,
        labelArrow: 'none',
      },
      marks: [
        Plot.ruleY([1], { stroke: 'currentColor', strokeDasharray: '2 3', strokeWidth: 1.5 }),
        Plot.ruleY([0], { stroke: 'currentColor' }),
        ...linesOverLength(rows, (row) => ({
          x: row.length,
          y: row.realisedSpeedup,
          low: 1 / row.ratioHigh,
          high: Math.min(top, 1 / row.ratioLow),
          title: times(row.realisedSpeedup),
        })),
      ],
    },
  };
}

/** How much of the ideal speed-up is realised, over length. */
export function fractionPlot(pass: PassRows): Figure {
  const rows = pass.rows.filter(({ row }) => row.strategy !== 'none');
  const values = rows.map(({ row }) => row.realisedFraction);
  const high = ({ ratioLow, idealSpeedup }: ShownRow) => 1 / ratioLow / idealSpeedup;
  const low = ({ ratioHigh, idealSpeedup }: ShownRow) => 1 / ratioHigh / idealSpeedup;
  // One disturbed run must not flatten all others: what is higher is cut, and said to be.
  const top = Math.max(1.1, 1.25 * Math.max(...values));
  const isCut = rows.some(({ row }) => high(row) > top);
  return {
    title: titled(
      pass,
      (main) => `realises ${percent(main.realisedFraction)} of its ideal speed-up`,
      'no speed-up that can be trusted',
    ),
    explanation: `The ideal: time falls as much as the pairs do that the rules allow, the dotted line. Vertical bars are 99 % bootstrap intervals${isCut ? '; those that leave the picture are whole in the table' : ''}.`,
    description: described(rows, (row) => {
      return `${percent(row.realisedFraction)} (${percent(low(row))} to ${percent(high(row))})`;
    }),
    series: seriesOf(rows),
    options: {
      x: lengthAxis(lengthsOf(rows)),
      y: {
        domain: [0, 100 * top],
        grid: true,
        ticks: 6,
        label: `realised share of the ideal speed-up, %${pass.onAdapter}`,
        labelArrow: 'none',
      },
      marks: [
        Plot.ruleY([100], { stroke: 'currentColor', strokeDasharray: '2 3', strokeWidth: 1.5 }),
        Plot.ruleY([0], { stroke: 'currentColor' }),
        ...linesOverLength(rows, (row) => ({
          x: row.length,
          y: 100 * row.realisedFraction,
          low: 100 * low(row),
          high: Math.min(100 * top, 100 * high(row)),
          title: percent(row.realisedFraction),
        })),
      ],
    },
  };
}

/** Executed work a second, over length. */
export function ratePlot(pass: PassRows): Figure {
  const { rows, onAdapter } = pass;
  return {
    title: titled(pass, (main) => `executes ${short(main.executedGflops)} GFLOP/s`, 'executed work a second'),
    explanation:
      'Higher is better use of the adapter. Every multiplication and addition that a kernel does is counted, padding too: a high rate of needless work is not fast.',
    description: described(rows, (row) => `${short(row.executedGflops)} executed GFLOP/s`),
    series: seriesOf(rows),
    options: {
      x: lengthAxis(lengthsOf(rows)),
      y: {
        domain: [0, 1.08 * Math.max(...rows.map(({ row }) => row.executedGflops))],
        grid: true,
        ticks: 6,
        label: `executed GFLOP/s${onAdapter}`,
        labelArrow: 'none',
      },
      marks: [
        Plot.ruleY([0], { stroke: 'currentColor' }),
        ...linesOverLength(rows, (row) => ({
          x: row.length,
          y: row.executedGflops,
          title: `${short(row.executedGflops)} executed GFLOP/s`,
        })),
      ],
    },
  };
}

export function seriesOf(rows: PassRows['rows']): Series[] {
  return bySeries(rows).map(({ series }) => series);
}
