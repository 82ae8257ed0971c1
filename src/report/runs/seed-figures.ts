import * as Plot from '@observablehq/plot';
import { mean, median } from 'simple-statistics';
import { type Figure, figuresSvg, horizontalAxis, logAxis, nameAxis } from '../page/plot-frame.js';
import type { Condition } from './run.js';
import { accuracy } from './run-format.js';
import type { RunGroup } from './run-groups.js';
import { sizeFigure } from './size-figure.js';

/** A run as a dot. */
interface Dot {
  name: string;
  value: number;
  colour: string;
  /** A run that ended before the threshold is a ring. */
  isCensored: boolean;
  /** In pixels: runs of one value are drawn side by side. */
  dy: number;
  title: string;
}

/** Rows of dots of one condition: those of equal values must not hide each other. */
const LANES = 5;

/** Distance of two rows of dots, in pixels. */
const LANE = 3;

function dotsOf<Value>(
  conditions: readonly Condition[],
  measure: (run: Condition['runs'][number]) => Value | undefined,
  dotOf: (value: Value) => Pick<Dot, 'value' | 'isCensored'> & { text: string },
): Dot[] {
  return conditions.flatMap(({ name, runs, look: { colour } }) =>
    runs.flatMap((run, at) => {
      const value = measure(run);
      if (value === undefined) return [];
      const { text, ...dot } = dotOf(value);
      const dy = ((at % LANES) - (LANES - 1) / 2) * LANE;
      return [{ name, colour, dy, ...dot, title: `${name}, seed ${run.seed}: ${text}` }];
    }),
  );
}

/** A dot for each seed, and a line across those of a condition. */
function marksOf(dots: readonly Dot[], centres: readonly { name: string; value: number }[]): Plot.Markish[] {
  const lanes = [...new Set(dots.map(({ dy }) => dy))].map((dy) => dots.filter((dot) => dot.dy === dy));
  return [
    Plot.tickX(centres, { x: 'value', y: 'name', stroke: 'currentColor', strokeWidth: 1.5 }),
    ...lanes.map((lane) =>
      Plot.dot(lane, {
        x: 'value',
        y: 'name',
        r: 2.6,
        stroke: (dot) => dot.colour,
        fill: (dot) => (dot.isCensored ? 'none' : dot.colour),
        dy: lane[0].dy,
        title: 'title',
      }),
    ),
  ];
}

/** The rows of both figures, which are drawn side by side. */
function rowsOf(conditions: readonly Condition[]): Pick<Figure, 'height'> & Plot.PlotOptions {
  const names = conditions.map(({ name }) => name);
  return { height: 56 + 30 * names.length, ...nameAxis(names, { type: 'band' }), marginTop: 12 };
}

function described(dots: readonly Dot[]): string {
  return dots.map(({ title }) => `${title}.`).join(' ');
}

function perCondition(dots: readonly Dot[], of: (values: number[]) => number) {
  return [...new Set(dots.map(({ name }) => name))].map((name) => ({
    name,
    value: of(dots.filter((dot) => dot.name === name).map(({ value }) => value)),
  }));
}

/** Whether every run was evaluated on test. */
export function hasTest(conditions: readonly Condition[]): boolean {
  const runs = conditions.flatMap((condition) => condition.runs);
  return runs.length > 0 && runs.every(({ test }) => test !== undefined);
}

/** The accuracy of every run's best checkpoint, a dot for each seed: on test, or on dev where any run was not evaluated on test. */
export function seedAccuracyFigure(conditions: readonly Condition[]): Figure {
  const isTest = hasTest(conditions);
  const dots = dotsOf(
    conditions,
    ({ test, best }) => (isTest ? test : best?.accuracy),
    (value) => ({ value, isCensored: false, text: accuracy(value) }),
  );
  const { height, ...rows } = rowsOf(conditions);
  const least = Math.min(0.5, ...dots.map(({ value }) => value));
  return {
    title: isTest ? 'Test accuracy of every seed' : 'Best dev accuracy of every seed',
    explanation: isTest
      ? 'Of the weights that were best on dev. The line is the mean.'
      : 'The line is the mean.',
    description: described(dots),
    series: [],
    height,
    options: {
      ...rows,
      x: horizontalAxis(isTest ? 'test accuracy' : 'best dev accuracy', {
        domain: [Math.floor(20 * least) / 20, 1],
        grid: true,
        ticks: 5,
        inset: 4,
      }),
      marks: marksOf(dots, perCondition(dots, mean)),
    },
  };
}

/** The steps of every run to the threshold, a dot for each seed; undefined where any run has none. */
export function stepsFigure(conditions: readonly Condition[], until?: number): Figure | undefined {
  const runs = conditions.flatMap((condition) => condition.runs);
  if (runs.length === 0 || runs.some(({ toThreshold }) => toThreshold === undefined)) return undefined;
  const dots = dotsOf(
    conditions,
    ({ toThreshold }) => toThreshold,
    ({ steps, isReached }) => ({
      value: steps,
      isCensored: !isReached,
      text: isReached ? `${steps} steps` : `not in ${steps} steps`,
    }),
  );
  const { height, ...rows } = rowsOf(conditions);
  const label = `steps to ${until ?? 'the threshold'} (log)`;
  const scale = logAxis(
    dots.map(({ value }) => value),
    label,
  );
  return {
    title: `Steps of every seed to a dev accuracy of ${until ?? 'the threshold'}`,
    explanation: 'A ring is a run that ended before. The line is the median.',
    description: described(dots),
    series: [],
    height,
    options: {
      ...rows,
      x: horizontalAxis(label, scale),
      marks: marksOf(dots, perCondition(dots, median)),
    },
  };
}

/** Every seed of an experiment, as an SVG file: accuracy over training-set size, or accuracy, and steps where they were counted. */
export function seedsSvg({
  conditions,
  until,
  overSizes,
}: Pick<RunGroup, 'conditions' | 'until' | 'overSizes'>): string {
  if (overSizes) return figuresSvg([sizeFigure(overSizes)]);
  const figures = [seedAccuracyFigure(conditions), stepsFigure(conditions, until)];
  return figuresSvg(figures.filter((one) => one !== undefined));
}
