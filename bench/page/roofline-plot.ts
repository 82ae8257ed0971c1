import * as Plot from '@observablehq/plot';
import { short } from '../../src/report/page/numbers.js';
import { type Figure, logAxis, markers } from '../../src/report/page/plot-frame.js';
import { leastBytes } from '../attention-row.js';
import { described, type PassRows, seriesOf, titled } from './length-plots.js';
import { bySeries, type ShownRow } from './series.js';

/** The measured limits of the adapter. */
export interface Peaks {
  /** Multiply-adds, as two FLOPs each. */
  gflops: number;
  /** Bytes read and written a second, in 10⁹. */
  gigabytesPerSecond: number;
}

/** FLOPs per byte of the smallest possible traffic. */
function intensity({ executedGflops, medianMs, lengths, heads, headDim, pass }: ShownRow): number {
  const tokens = lengths.reduce((a, b) => a + b, 0);
  return (executedGflops * medianMs * 1e6) / leastBytes(pass, tokens, heads, headDim);
}

/** Executed work a second against arithmetic intensity, under the adapter's roof. */
export function rooflinePlot(pass: PassRows, { gflops, gigabytesPerSecond }: Peaks): Figure {
  const { rows, onAdapter } = pass;
  const roofAt = (x: number) => Math.min(gflops, gigabytesPerSecond * x);
  const intensities = rows.map(({ row }) => intensity(row));
  const ridge = gflops / gigabytesPerSecond;
  const [from, to] = [Math.min(ridge / 4, ...intensities) / 1.5, Math.max(ridge * 4, ...intensities) * 1.5];
  const roof = [from, ridge, to].map((x) => ({ x, y: roofAt(x) }));
  const share = (row: ShownRow) => (100 * row.executedGflops) / roofAt(intensity(row));
  return {
    title: titled(
      pass,
      (main) =>
        `executes ${short(main.executedGflops)} GFLOP/s, ${share(main) > 100 ? 'above the roof: one of the two is not to be trusted' : `${share(main).toFixed(0)} % of the roof`}`,
      'executed work a second under the roof',
    ),
    explanation:
      'The line is the limit of the adapter: memory on its slope, arithmetic where it is flat. One marker for each length.',
    description: described(rows, (row) => {
      return `${short(row.executedGflops)} executed GFLOP/s at ${short(intensity(row))} FLOPs per byte`;
    }),
    series: seriesOf(rows),
    options: {
      x: {
        ...logAxis([from, to], 'executed FLOPs per byte of query, key, value, output (log)'),
        labelAnchor: 'center',
      },
      y: logAxis(
        [...rows.map(({ row }) => row.executedGflops), ...roof.map(({ y }) => y)],
        `executed GFLOP/s (log${onAdapter})`,
      ),
      marks: [
        Plot.line(roof, { x: 'x', y: 'y', stroke: 'currentColor', strokeWidth: 1.5 }),
        ...bySeries(rows).map(({ series, rows: ofSeries }) =>
          markers(
            ofSeries.map((row) => ({
              x: intensity(row),
              y: row.executedGflops,
              title: `${series.name}, ${row.length} tokens: ${short(row.executedGflops)} executed GFLOP/s`,
            })),
            series.look,
          ),
        ),
      ],
    },
  };
}
