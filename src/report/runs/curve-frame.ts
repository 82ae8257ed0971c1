import * as Plot from '@observablehq/plot';
import { type Figure, horizontalAxis, type Point, verticalAxis } from '../page/plot-frame.js';
import { fittedText, textWidth } from '../page/text-width.js';
import type { CurvePoint } from './curves.js';
import type { Condition } from './run.js';
import { accuracyDomain } from './run-figures.js';
import { accuracy, hasInterval, interval } from './run-format.js';

/** The measure of the vertical axis. */
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
  // A loss that falls far is drawn from zero. One that hardly falls would then look flat.
  if (least < most / 2) return [0, 1.06 * most];
  const room = Math.max(0.01 * most, 0.1 * (most - least));
  return [least - room, most + room];
}

/** Whether an interval leaves the picture. */
export function isOutside(point: CurvePoint, [low, high]: [number, number]): boolean {
  return hasInterval(point) && (point.low < low || point.high > high);
}

/** Points, with their intervals cut at the edges of the picture. */
export function pointsIn({ condition, points }: Curve, [low, high]: [number, number]): Point[] {
  return points.map((point) => ({
    x: point.step,
    y: point.value,
    ...(hasInterval(point) && {
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
    x: horizontalAxis('training steps', {
      domain: first < last ? [first, last] : [first - 1, last + 1],
      ticks: 5,
      inset: 8,
    }),
    y: verticalAxis(vertical.name.toLowerCase(), domainOf(curves, vertical), 5),
  };
}

const COLUMNS = 3;
/** Font size of the names over the small pictures. Bold letters are a tenth wider. */
const NAME_SIZE = 11;
/** Width of a name over a small picture, and of a line of a name that needs two. */
const NAME_ROOM = 92;

/** A name in one line or, at a space, in two; cut where it is longer. */
export function nameLines(name: string): string {
  if (textWidth(name, NAME_SIZE) <= NAME_ROOM) return name;
  const words = name.split(' ');
  let first = words.length;
  while (first > 1 && textWidth(words.slice(0, first).join(' '), NAME_SIZE) > NAME_ROOM) first--;
  const lines = [words.slice(0, first), words.slice(first)].map((line) => line.join(' '));
  return lines
    .filter((line) => line !== '')
    .map((line) => fittedText(line, NAME_ROOM, NAME_SIZE))
    .join('\n');
}

/** A small picture for each curve, with all other curves in grey. */
export function smallMultiples(
  curves: readonly Curve[],
  vertical: Vertical,
): Pick<Figure, 'options' | 'height'> {
  const domain = domainOf(curves, vertical);
  const rows = Math.ceil(curves.length / COLUMNS);
  const names = curves.map(({ condition }) => nameLines(condition.name));
  const lineRoom = names.some((name) => name.includes('\n')) ? 12 : 0;
  const panel = (at: number) => ({ fx: at % COLUMNS, fy: Math.floor(at / COLUMNS) });
  const facets = { fx: 'fx', fy: 'fy' };
  const marks = curves.flatMap((curve, at) => {
    const { colour } = curve.condition.look;
    const points = pointsIn(curve, domain).map((point) => ({ ...point, ...panel(at) }));
    const otherPoints = curves.flatMap((other, index) =>
      index === at
        ? []
        : other.points.map(({ step, value }) => ({ x: step, y: value, z: index, ...panel(at) })),
    );
    return [
      Plot.line(otherPoints, {
        x: 'x',
        y: 'y',
        z: 'z',
        stroke: 'currentColor',
        strokeOpacity: 0.16,
        ...facets,
      }),
      Plot.areaY(points.filter(hasInterval), {
        x: 'x',
        y1: 'low',
        y2: 'high',
        fill: colour,
        fillOpacity: 0.25,
        ...facets,
      }),
      Plot.line(points, { x: 'x', y: 'y', stroke: colour, strokeWidth: 2, ...facets }),
      Plot.dot(points, { x: 'x', y: 'y', fill: colour, r: 2.5, title: 'title', ...facets }),
      Plot.text([{ name: names[at], ...panel(at) }], {
        text: 'name',
        frameAnchor: 'top-left',
        lineAnchor: 'bottom',
        dy: -4,
        fontSize: NAME_SIZE,
        fontWeight: 600,
        fill: 'currentColor',
        textAnchor: 'start',
        ...facets,
      }),
    ];
  });
  const { x, y } = axes(curves, vertical);
  return {
    height: 62 + lineRoom + (92 + lineRoom) * rows,
    options: {
      marginLeft: 46,
      marginTop: 34 + lineRoom,
      fx: { axis: null, padding: 0.1 },
      fy: { axis: null, padding: lineRoom > 0 ? 0.38 : 0.3 },
      x: { ...x, ticks: 2, inset: 4 },
      y: { ...y, ticks: 3 },
      marks: [Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.2 }), ...marks],
    },
  };
}
