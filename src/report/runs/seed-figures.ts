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

/** The figure of some dots, with a row for each condition. @param centre The value of a condition's line. */
function dotFigure(
  words: Pick<Figure, 'title' | 'explanation'>,
  conditions: readonly Condition[],
  dots: readonly Dot[],
  x: Plot.ScaleOptions,
  centre: (values: number[]) => number,
): Figure {
  const names = conditions.map(({ name }) => name);
  const valuesOf = (name: string) => dots.filter((dot) => dot.name === name).map(({ value }) => value);
  const withDots = names.filter((name) => valuesOf(name).length > 0);
  const centres = withDots.map((name) => ({ name, value: centre(valuesOf(name)) }));
  return {
    ...words,
    description: dots.map(({ title }) => `${title}.`).join(' '),
    series: [],
    height: 56 + 30 * names.length,
    options: { ...nameAxis(names, { type: 'band' }), marginTop: 12, x, marks: marksOf(dots, centres) },
  };
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
  const least = Math.min(0.5, ...dots.map(({ value }) => value));
  const domain = [Math.floor(20 * least) / 20, 1];
  const words = {
    title: isTest ? 'Test accuracy of every seed' : 'Best dev accuracy of every seed',
    explanation: `${isTest ? 'Of the weights that were best on dev. ' : ''}The line is the mean.`,
  };
  const label = isTest ? 'test accuracy' : 'best dev accuracy';
  const x = horizontalAxis(label, { domain, grid: true, ticks: 5, inset: 4 });
  return dotFigure(words, conditions, dots, x, mean);
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
  const threshold = until ?? 'the threshold';
  const label = `steps to ${threshold} (log)`;
  const scale = logAxis(
    dots.map(({ value }) => value),
    label,
  );
  const words = {
    title: `Steps of every seed to a dev accuracy of ${threshold}`,
    explanation: 'A ring is a run that ended before. The line is the median.',
  };
  return dotFigure(words, conditions, dots, horizontalAxis(label, scale), median);
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
