import type * as Plot from '@observablehq/plot';
import type { Point } from '../page/plot-frame.js';
import type { CurvePoint } from './curves.js';
import type { Condition } from './run.js';
import { accuracyDomain } from './run-figures.js';
import { accuracy, interval, isKnown } from './run-format.js';

/** What the vertical axis shows. */
export interface Vertical {
  /** "Dev accuracy". */
  name: string;
  isShare: boolean;
}

/** One line of a picture. */
export interface Curve {
  condition: Condition;
  points: readonly CurvePoint[];
}

/** The range of the vertical axis. */
export function domainOf(curves: readonly Curve[], { isShare }: Vertical): [number, number] {
  const values = curves.flatMap(({ points }) => points.map(({ value }) => value));
  if (isShare) return accuracyDomain(values);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  // A loss that falls far is drawn from zero; one that hardly falls would else be a line without a shape.
  if (least < most / 2) return [0, 1.06 * most];
  const room = Math.max(0.01 * most, 0.1 * (most - least));
  return [least - room, most + room];
}

/** Whether an interval leaves the picture. */
export function isOutside(point: CurvePoint, [low, high]: [number, number]): boolean {
  return isKnown(point) && (point.low < low || point.high > high);
}

/** Points with what is inside of the picture of their intervals. */
export function pointsIn({ condition, points }: Curve, [low, high]: [number, number]): Point[] {
  return points.map((point) => ({
    x: point.step,
    y: point.value,
    ...(isKnown(point) && {
      low: Math.min(high, Math.max(low, point.low)),
      high: Math.max(low, Math.min(high, point.high)),
    }),
    title: `${condition.name}, step ${point.step}: ${accuracy(point.value)}${interval(point, ' (', ')')}, seeds: ${point.seeds}`,
  }));
}

/** Both axes of a picture of curves. */
export function axes(curves: readonly Curve[], vertical: Vertical): Pick<Plot.PlotOptions, 'x' | 'y'> {
  const steps = curves.flatMap(({ points }) => points.map(({ step }) => step));
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  return {
    x: {
      domain: first < last ? [first, last] : [first - 1, last + 1],
      ticks: 5,
      label: 'training steps',
      labelAnchor: 'center',
      labelArrow: 'none',
      inset: 8,
    },
    y: {
      domain: domainOf(curves, vertical),
      grid: true,
      ticks: 5,
      label: vertical.name.toLowerCase(),
      labelArrow: 'none',
    },
  };
}
