import * as Plot from '@observablehq/plot';
import { linearRegression } from 'simple-statistics';
import { capital, percent } from '../../src/report/page/numbers.js';
import {
  aside,
  type Figure,
  horizontalAxis,
  intervals,
  markers,
  verticalAxis,
} from '../../src/report/page/plot-frame.js';
import type { BreakEven } from '../break-even.js';
import { intervalText, passName } from '../report-table.js';
import { CUT, type PassRows, seriesOf } from './length-plots.js';
import { bySeries, type ShownRow } from './series.js';

function crossingOf(breakEven: readonly BreakEven[], { heads, headDim, pass }: ShownRow): number | null {
  const found = breakEven.find(
    (each) => each.heads === heads && each.headDim === headDim && each.pass === pass,
  );
  return found?.density ?? null;
}

/** Time over dense's time against density at the longest length, with the density at which both are equal. */
export function breakEvenPlot(pass: PassRows, breakEven: readonly BreakEven[]): Figure {
  const longest = Math.max(...pass.rows.map(({ row }) => row.length));
  const rows = pass.rows.filter(({ row }) => row.length === longest);
  const [{ row: first }] = rows;
  const crossing = first.text === 'document' ? crossingOf(breakEven, first) : null;
  const isInside = crossing !== null && crossing > 0 && crossing <= 1;
  const top = Math.max(1.2, 1.25 * Math.max(...rows.map(({ row }) => row.ratioToDense)));
  const isCut = rows.some(({ row }) => row.ratioHigh > top);
  return {
    title: `${capital(passName(first.pass))}, ${longest} tokens: ${pointOf(crossing)}`,
    explanation: `Density is the share of all pairs that the rules allow. Below the line at 1 a strategy is faster than dense${crossing === null ? '' : '; the dotted line is fitted through the tag-sorted strategies below 100 %'}. Vertical bars are 99 % intervals${isCut ? CUT : ''}.`,
    description: bySeries(rows)
      .flatMap(({ series, rows: ofSeries }) =>
        ofSeries.map(({ density, ratioToDense, ratioLow, ratioHigh }) => {
          const interval = intervalText(ratioLow, ratioHigh);
          return `${series.name}: ${ratioToDense.toFixed(2)} (${interval}) of dense’s time at a density of ${percent(density)}.`;
        }),
      )
      .join(' '),
    series: seriesOf(rows),
    options: {
      x: horizontalAxis('density: allowed pairs over all pairs, %', {
        domain: [0, 104],
        ticks: [0, 20, 40, 60, 80, 100],
      }),
      y: verticalAxis(`time over dense’s time${pass.onAdapter}`, [0, top]),
      marks: [
        Plot.ruleY([0], { stroke: 'currentColor' }),
        Plot.ruleY([1], { stroke: 'currentColor', strokeWidth: 1.5 }),
        ...(crossing === null ? [] : fitMarks(rows, top)),
        ...(isInside ? crossingMarks(crossing) : []),
        ...dots(rows, top),
      ],
    },
  };
}

function pointOf(crossing: number | null): string {
  if (crossing === null) return 'no break-even density could be fitted';
  if (crossing <= 0) return 'the fitted line lies above dense’s time at every density';
  return crossing <= 1
    ? `sparse attention pays below a density of ${percent(crossing)}`
    : 'the fitted line lies below dense’s time at every density';
}

function dots(rows: PassRows['rows'], top: number): Plot.Markish[] {
  const groups = bySeries(rows).map(({ series, rows: ofSeries }) => ({
    series,
    points: ofSeries.map(({ density, ratioToDense, ratioLow, ratioHigh }) => ({
      x: 100 * density,
      y: ratioToDense,
      low: ratioLow,
      high: Math.min(top, ratioHigh),
      title: `${series.name}: ${ratioToDense.toFixed(2)} of dense’s time at ${percent(density)}`,
    })),
  }));
  // Several strategies may share a density: their bars are drawn side by side.
  const apart = (at: number) => aside(at, groups.length);
  return [
    ...groups.map(({ series, points }, at) => intervals(points, series.look, apart(at))),
    ...groups.map(({ series, points }, at) => markers(points, series.look, apart(at))),
  ];
}

/** The line through the rows that are sorted by tag and have a density below 1. */
function fitMarks(rows: PassRows['rows'], top: number): Plot.Markish[] {
  const fitted = rows.filter(({ row: { order, density } }) => order === 'tags' && density < 1);
  const measured = fitted.map(({ row: { density, ratioToDense } }) => [density, ratioToDense]);
  const { m: slope, b: intercept } = linearRegression(measured);
  // The line ends where it leaves the picture, at the right or at the top.
  const ends = [Math.max(0, -intercept / slope), Math.min(1, (top - intercept) / slope)];
  if (ends[0] >= ends[1]) return [];
  const points = ends.map((density) => ({ x: 100 * density, y: intercept + slope * density }));
  const options = { x: 'x', y: 'y', stroke: 'currentColor', strokeDasharray: '2 3' };
  return [Plot.line(points, options)];
}

function crossingMarks(density: number): Plot.Markish[] {
  const x = 100 * density;
  return [
    Plot.dot([{ x, y: 1 }], { x: 'x', y: 'y', r: 6, stroke: 'currentColor', strokeWidth: 2 }),
    Plot.text([{ x, y: 1, text: `even at ${percent(density)}` }], {
      x: 'x',
      y: 'y',
      text: 'text',
      // In the left half the text is at the right of the point, in the right half at the left.
      textAnchor: density < 0.6 ? 'start' : 'end',
      dx: density < 0.6 ? 10 : -10,
      dy: -10,
      fontSize: 12,
      fontWeight: 'bold',
      stroke: 'var(--background)',
      strokeWidth: 4,
      fill: 'currentColor',
    }),
  ];
}
