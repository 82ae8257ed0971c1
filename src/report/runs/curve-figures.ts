import * as Plot from '@observablehq/plot';
import { type Figure, intervals, line, markers } from '../page/plot-frame.js';
import {
  axes,
  type Curve,
  domainOf,
  isOutside,
  pointsIn,
  smallMultiples,
  type Vertical,
} from './curve-frame.js';
import { type CurvePoint, devCurve, trainingCurve } from './curves.js';
import type { Condition } from './run.js';
import { aboutIntervals } from './run-figures.js';
import { accuracy, hasInterval, interval } from './run-format.js';

/** The most lines in one picture; with more, each gets a small picture. */
const MOST_LINES = 4;

/** Dev accuracy, dev loss and, where it was stored, training loss over steps. */
export function curveFigures(conditions: readonly Condition[]): Figure[] {
  const dev = (measure: 'accuracy' | 'loss') => (condition: Condition) => devCurve(condition.runs, measure);
  return [
    curveFigure(conditions, dev('accuracy'), { name: 'Dev accuracy', isShare: true }),
    curveFigure(conditions, dev('loss'), { name: 'Dev loss', isShare: false }),
    curveFigure(conditions, ({ runs }) => trainingCurve(runs), { name: 'Training loss', isShare: false }),
  ].filter((figure) => figure !== undefined);
}

function curveFigure(
  conditions: readonly Condition[],
  pointsOf: (condition: Condition) => CurvePoint[],
  vertical: Vertical,
): Figure | undefined {
  const curves = conditions
    .map((condition) => ({ condition, points: pointsOf(condition) }))
    .filter(({ points }) => points.length > 0);
  if (curves.length === 0) return undefined;
  const shared = curves.length <= MOST_LINES;
  const isCut = curves.some(({ points }) =>
    points.some((point) => isOutside(point, domainOf(curves, vertical))),
  );
  return {
    title: titleOf(curves, vertical),
    explanation: [
      conditions.some(({ runs }) => runs.length > 1) ? 'Means over seeds.' : '',
      shared ? '' : 'A small picture for each condition: its own line in colour, all others in grey.',
      aboutIntervals(conditions),
      isCut ? 'Those that leave the picture are whole in the table.' : '',
    ]
      .filter((sentence) => sentence !== '')
      .join(' '),
    description: described(curves),
    series: shared ? curves.map(({ condition }) => condition) : [],
    ...(shared ? sharedPlot(curves, vertical) : smallMultiples(curves, vertical)),
  };
}

/** The title of a figure: the condition that ends best. */
function titleOf(curves: readonly Curve[], { name, isShare }: Vertical): string {
  const ends = curves.map(({ condition, points }) => ({ condition, end: points[points.length - 1] }));
  const best = ends.reduce((one, other) => {
    return (isShare ? other.end.value > one.end.value : other.end.value < one.end.value) ? other : one;
  });
  return `${name} over steps: ${best.condition.name} ends ${
    curves.length > 1 ? (isShare ? 'highest' : 'lowest') : 'at'
  }${curves.length > 1 ? ', at' : ''} ${accuracy(best.end.value)}`;
}

function described(curves: readonly Curve[]): string {
  return curves
    .map(({ condition, points }) => {
      const few = points.filter(
        (_, at) => at === points.length - 1 || at % Math.ceil(points.length / 8) === 0,
      );
      const pointTexts = few.map(
        (point) => `${accuracy(point.value)}${interval(point, ' (', ')')} at step ${point.step}`,
      );
      return `${condition.name}: ${pointTexts.join(', ')}.`;
    })
    .join(' ');
}

/** The most points of a line with markers. */
const MOST_MARKERS = 24;

function sharedPlot(curves: readonly Curve[], vertical: Vertical): Pick<Figure, 'options'> {
  const domain = domainOf(curves, vertical);
  const drawn = curves.map((curve, at) => {
    const { look } = curve.condition;
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
            ? Plot.areaY(points.filter(hasInterval), {
                x: 'x',
                y1: 'low',
                y2: 'high',
                fill: look.colour,
                fillOpacity: 0.15,
              })
            : intervals(points.filter(hasInterval), look, dx),
        ),
        ...drawn.map(({ look, points, dx }) => line(points, look, dx)),
        ...drawn.map(({ look, points, dx }) =>
          points.length > MOST_MARKERS ? null : markers(points, look, dx),
        ),
      ],
    },
  };
}
