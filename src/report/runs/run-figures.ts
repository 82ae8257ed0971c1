import * as Plot from '@observablehq/plot';
import type { Estimate } from '../../train/experiment/seed-statistics.js';
import { percent } from '../page/numbers.js';
import {
  aside,
  type Figure,
  horizontalAxis,
  intervals,
  markers,
  nameAxis,
  type Point,
  verticalAxis,
} from '../page/plot-frame.js';
import { bestAccuracy, densityOf } from './curves.js';
import { BASELINE, type Condition } from './run.js';
import { accuracy, hasInterval, interval, seedsText } from './run-format.js';

interface Ranked {
  condition: Condition;
  estimate: Estimate;
  density: number | undefined;
}

/** Conditions that were evaluated, the most accurate first. */
function ranked(conditions: readonly Condition[]): Ranked[] {
  return conditions
    .map((condition) => ({
      condition,
      estimate: bestAccuracy(condition.runs),
      density: densityOf(condition.runs),
    }))
    .filter(({ estimate }) => Number.isFinite(estimate.value))
    .sort((one, other) => other.estimate.value - one.estimate.value);
}

function pointTitle({ condition, estimate, density }: Ranked): string {
  const pairs = density === undefined ? '' : `, ${percent(density)} of the pairs`;
  return `${condition.name}: ${accuracy(estimate.value)}${interval(estimate, ' (', ')')}, ${seedsText(condition.runs)}${pairs}`;
}

function described(rows: readonly Ranked[]): string {
  return rows.map((row) => `${pointTitle(row)}.`).join(' ');
}

/** A sentence about the intervals of a picture. */
export function aboutIntervals(conditions: readonly Condition[]): string {
  const counts = conditions.map(({ runs }) => runs.length);
  if (Math.max(...counts) < 2)
    return 'One seed each: there is no interval, and another seed may give another order.';
  const some = Math.min(...counts) < 2 ? ' Those without one have a single seed.' : '';
  return `Intervals are Student’s, 95 %, over seeds.${some}`;
}

/** The range of an axis of accuracies: that of the values, with some room, within 0 and 1. */
export function accuracyDomain(values: readonly number[]): [number, number] {
  const numbers = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const room = Math.max(0.005, 0.06 * (high - low));
  return [Math.max(0, low - room), Math.min(1, high + room)];
}

/** Every condition's best dev accuracy with its interval, sorted. */
export function accuracyFigure(conditions: readonly Condition[]): Figure | undefined {
  const rows = ranked(conditions);
  if (rows.length === 0) return undefined;
  const [first] = rows;
  const baseline = rows.find(({ condition }) => condition.name === BASELINE);
  const dots = rows.map((row) => ({
    ...row.estimate,
    name: row.condition.name,
    colour: row.condition.look.colour,
    title: pointTitle(row),
  }));
  const seeds = rows.flatMap(({ condition: { name, runs, look } }) =>
    runs.flatMap(({ seed, best }) =>
      best && runs.length > 1
        ? [
            {
              name,
              value: best.accuracy,
              colour: look.colour,
              title: `${name}, seed ${seed}: ${accuracy(best.accuracy)}`,
            },
          ]
        : [],
    ),
  );
  return {
    title: `Best dev accuracy: ${first.condition.name}, ${accuracy(first.estimate.value)}${interval(first.estimate, ' (', ')')}`,
    explanation: `The evaluation of each run’s best checkpoint${conditions.some(({ runs }) => runs.length > 1) ? ': a small dot for each seed, a large one for their mean' : ''}. ${aboutIntervals(conditions)}${
      baseline ? ' The dotted line is full attention (none).' : ''
    }`,
    description: described(rows),
    series: [],
    height: 72 + 19 * rows.length,
    options: {
      ...nameAxis(
        rows.map(({ condition }) => condition.name),
        { type: 'point', padding: 0.6 },
      ),
      marginTop: 12,
      x: horizontalAxis('best dev accuracy', {
        domain: accuracyDomain([
          ...dots.flatMap(({ value, low, high }) => [value, low, high]),
          ...seeds.map(({ value }) => value),
        ]),
        grid: true,
        ticks: 5,
        inset: 4,
      }),
      marks: [
        baseline
          ? Plot.ruleX([baseline.estimate.value], { stroke: 'currentColor', strokeDasharray: '2 3' })
          : null,
        Plot.ruleY(dots.filter(hasInterval), {
          x1: 'low',
          x2: 'high',
          y: 'name',
          stroke: (dot) => dot.colour,
          strokeWidth: 2,
          strokeOpacity: 0.75,
        }),
        Plot.dot(seeds, {
          x: 'value',
          y: 'name',
          r: 2,
          stroke: (dot) => dot.colour,
          strokeOpacity: 0.8,
          dy: 5,
          title: 'title',
        }),
        Plot.dot(dots, { x: 'value', y: 'name', r: 4.5, fill: (dot) => dot.colour, title: 'title' }),
      ],
    },
  };
}

/** Accuracy against density, a point for each condition; undefined with fewer than two densities. */
export function densityFigure(conditions: readonly Condition[]): Figure | undefined {
  const rows = ranked(conditions).filter(({ density }) => density !== undefined);
  if (rows.length < 2) return undefined;
  const sparsest = rows.reduce((one, other) => (other.density! < one.density! ? other : one));
  const percentages = rows.map(({ density }) => 100 * density!);
  const values = rows.map(({ estimate }) => estimate.value);
  // The long intervals of few seeds are cut, so that the points stay apart. The figure before has them whole.
  const spread = Math.max(...values) - Math.min(...values);
  const [bottom, top] = accuracyDomain([Math.min(...values) - spread / 2, Math.max(...values) + spread / 2]);
  const isCut = rows.some(({ estimate: { low, high } }) => low < bottom || high > top);
  const baseline = rows.find(({ condition }) => condition.name === BASELINE);
  const beside =
    baseline && baseline !== sparsest ? `, ${BASELINE} ${accuracy(baseline.estimate.value)}` : '';
  const room = Math.max(3, 0.06 * (Math.max(...percentages) - Math.min(...percentages)));
  const marks = conditions.flatMap(({ look, name }) => {
    const row = rows.find(({ condition }) => condition.name === name);
    if (!row) return [];
    const near = rows.filter(({ density }) => Math.abs(density! - row.density!) < 0.02);
    const { value, low, high } = row.estimate;
    const point: Point = {
      x: 100 * row.density!,
      y: value,
      low: Math.max(bottom, low),
      high: Math.min(top, high),
      title: pointTitle(row),
    };
    const dx = aside(near.indexOf(row), near.length) * 2;
    return [...(hasInterval(point) ? [intervals([point], look, dx)] : []), markers([point], look, dx)];
  });
  return {
    title: `Accuracy against density: with ${percent(sparsest.density!)} of the pairs, ${sparsest.condition.name} has ${accuracy(sparsest.estimate.value)}${beside}`,
    explanation: `Density is the share of all pairs of dev’s tokens that exist. ${aboutIntervals(conditions)} ${isCut ? 'Those that leave the picture are whole in the figure before. ' : ''}Points of about the same density are drawn a little apart.`,
    description: described(rows),
    series: rows.map(({ condition }) => condition),
    options: {
      marginLeft: 52,
      x: horizontalAxis('density: pairs that exist, %', {
        domain: [
          Math.max(0, Math.min(...percentages) - room),
          Math.min(104, Math.max(...percentages) + room),
        ],
        ticks: 6,
        inset: 10,
      }),
      y: verticalAxis('best dev accuracy', [bottom, top]),
      marks,
    },
  };
}
