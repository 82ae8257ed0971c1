import * as Plot from '@observablehq/plot';
import { type Figure, intervals, line, markers, type Point } from '../page/plot-frame.js';
import { type CurvePoint, devCurve, trainingCurve } from './curves.js';
import { accuracy, interval, isKnown } from './format.js';
import type { Contender } from './run.js';
import { aboutIntervals, accuracyDomain, shortName } from './run-figures.js';

/** Lines that an eye follows in one picture; more of them get a small picture each. */
const MOST_LINES = 4;

/** What stands on the vertical axis. */
interface Vertical {
  /** "Dev accuracy". */
  name: string;
  isShare: boolean;
}

interface Curve {
  contender: Contender;
  points: readonly CurvePoint[];
}

/** Dev accuracy, dev loss and, where it was kept, training loss over steps. */
export function curveFigures(contenders: readonly Contender[]): Figure[] {
  const dev = (measure: 'accuracy' | 'loss') => (contender: Contender) => devCurve(contender.runs, measure);
  return [
    curveFigure(contenders, dev('accuracy'), { name: 'Dev accuracy', isShare: true }),
    curveFigure(contenders, dev('loss'), { name: 'Dev loss', isShare: false }),
    curveFigure(contenders, ({ runs }) => trainingCurve(runs), { name: 'Training loss', isShare: false }),
  ].filter((figure) => figure !== undefined);
}

function curveFigure(
  contenders: readonly Contender[],
  pointsOf: (contender: Contender) => CurvePoint[],
  vertical: Vertical,
): Figure | undefined {
  const curves = contenders
    .map((contender) => ({ contender, points: pointsOf(contender) }))
    .filter(({ points }) => points.length > 0);
  if (curves.length === 0) return undefined;
  const shared = curves.length <= MOST_LINES;
  const isCut = curves.some(({ points }) =>
    points.some((point) => isOutside(point, domainOf(curves, vertical))),
  );
  return {
    title: titleOf(curves, vertical),
    explanation: [
      shared
        ? 'Means over seeds.'
        : 'A small picture for each contender: its mean over seeds in colour, all others in grey.',
      aboutIntervals(contenders),
      isCut ? 'Those that leave the picture are whole in the table.' : '',
    ].join(' '),
    description: described(curves),
    series: shared ? curves.map(({ contender }) => contender) : [],
    ...(shared ? sharedPlot(curves, vertical) : smallMultiples(curves, vertical)),
  };
}

/** The point of a curve: who stands where at its end. */
function titleOf(curves: readonly Curve[], { name, isShare }: Vertical): string {
  const ends = curves.map(({ contender, points }) => ({ contender, end: points[points.length - 1] }));
  const best = ends.reduce((one, other) => {
    return (isShare ? other.end.value > one.end.value : other.end.value < one.end.value) ? other : one;
  });
  return `${name} over steps: ${best.contender.name} ends ${
    curves.length > 1 ? (isShare ? 'highest' : 'lowest') : 'at'
  }${curves.length > 1 ? ', at' : ''} ${accuracy(best.end.value)}`;
}

function described(curves: readonly Curve[]): string {
  return curves
    .map(({ contender, points }) => {
      const few = points.filter(
        (_, at) => at === points.length - 1 || at % Math.ceil(points.length / 8) === 0,
      );
      const told = few.map(
        (point) => `${accuracy(point.value)}${interval(point, ' (', ')')} at step ${point.step}`,
      );
      return `${contender.name}: ${told.join(', ')}.`;
    })
    .join(' ');
}

function domainOf(curves: readonly Curve[], { isShare }: Vertical): [number, number] {
  const values = curves.flatMap(({ points }) => points.map(({ value }) => value));
  if (isShare) return accuracyDomain(values);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  // A loss that falls far is drawn from zero; one that hardly falls would else be a line without a shape.
  if (least < most / 2) return [0, 1.06 * most];
  const room = Math.max(0.01 * most, 0.1 * (most - least));
  return [least - room, most + room];
}

function isOutside(point: CurvePoint, [low, high]: [number, number]): boolean {
  return isKnown(point) && (point.low < low || point.high > high);
}

/** Points with what is inside of the picture of their intervals. */
function pointsIn({ contender, points }: Curve, [low, high]: [number, number]): Point[] {
  return points.map((point) => ({
    x: point.step,
    y: point.value,
    ...(isKnown(point) && {
      low: Math.min(high, Math.max(low, point.low)),
      high: Math.max(low, Math.min(high, point.high)),
    }),
    title: `${contender.name}, step ${point.step}: ${accuracy(point.value)}${interval(point, ' (', ')')}, seeds: ${point.seeds}`,
  }));
}

function axes(curves: readonly Curve[], vertical: Vertical): Pick<Plot.PlotOptions, 'x' | 'y'> {
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

/** Above so many points a line speaks without markers. */
const MOST_MARKERS = 24;

function sharedPlot(curves: readonly Curve[], vertical: Vertical): Pick<Figure, 'options'> {
  const domain = domainOf(curves, vertical);
  const drawn = curves.map((curve, at) => {
    const { look } = curve.contender;
    const points = pointsIn(curve, domain);
    const dx = (at - (curves.length - 1) / 2) * 3;
    return { look, points, dx: points.length > MOST_MARKERS ? 0 : dx };
  });
  return {
    options: {
      marginLeft: 52,
      ...axes(curves, vertical),
      marks: [
        ...drawn.map(({ look, points, dx }) =>
          points.length > MOST_MARKERS
            ? Plot.areaY(points.filter(isKnown), {
                x: 'x',
                y1: 'low',
                y2: 'high',
                fill: look.colour,
                fillOpacity: 0.15,
              })
            : intervals(points.filter(isKnown), look, dx),
        ),
        ...drawn.map(({ look, points, dx }) => line(points, look, dx)),
        ...drawn.map(({ look, points, dx }) =>
          points.length > MOST_MARKERS ? null : markers(points, look, dx),
        ),
      ],
    },
  };
}

const COLUMNS = 3;
/** Characters of a name that have room over a small picture. */
const PANEL_CHARACTERS = 17;

function smallMultiples(curves: readonly Curve[], vertical: Vertical): Pick<Figure, 'options' | 'height'> {
  const domain = domainOf(curves, vertical);
  const rows = Math.ceil(curves.length / COLUMNS);
  const panel = (at: number) => ({ fx: at % COLUMNS, fy: Math.floor(at / COLUMNS) });
  const facets = { fx: 'fx', fy: 'fy' };
  const marks = curves.flatMap((curve, at) => {
    const { colour } = curve.contender.look;
    const own = pointsIn(curve, domain).map((point) => ({ ...point, ...panel(at) }));
    const others = curves.flatMap((other, index) =>
      index === at
        ? []
        : other.points.map(({ step, value }) => ({ x: step, y: value, z: index, ...panel(at) })),
    );
    return [
      Plot.line(others, { x: 'x', y: 'y', z: 'z', stroke: 'currentColor', strokeOpacity: 0.16, ...facets }),
      Plot.areaY(own.filter(isKnown), {
        x: 'x',
        y1: 'low',
        y2: 'high',
        fill: colour,
        fillOpacity: 0.25,
        ...facets,
      }),
      Plot.line(own, { x: 'x', y: 'y', stroke: colour, strokeWidth: 2, ...facets }),
      Plot.dot(own, { x: 'x', y: 'y', fill: colour, r: 2.5, title: 'title', ...facets }),
      Plot.text([{ name: shortName(curve.contender.name, PANEL_CHARACTERS), ...panel(at) }], {
        text: 'name',
        frameAnchor: 'top-left',
        dy: -13,
        fontSize: 11,
        fontWeight: 600,
        fill: 'currentColor',
        textAnchor: 'start',
        ...facets,
      }),
    ];
  });
  const { x, y } = axes(curves, vertical);
  return {
    height: 62 + 92 * rows,
    options: {
      marginLeft: 46,
      marginTop: 34,
      fx: { axis: null, padding: 0.1 },
      fy: { axis: null, padding: 0.3 },
      x: { ...x, ticks: 3, inset: 4 },
      y: { ...y, ticks: 3 },
      marks: [Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.2 }), ...marks],
    },
  };
}
