import * as Plot from '@observablehq/plot';
import { type Figure, intervals, line, markers } from '../page/plot-frame.js';
import { axes, type Curve, domainOf, isOutside, pointsIn, type Vertical } from './curve-frame.js';
import { type CurvePoint, devCurve, trainingCurve } from './curves.js';
import type { Contender } from './run.js';
import { aboutIntervals } from './run-figures.js';
import { accuracy, interval, isKnown } from './run-format.js';
import { smallMultiples } from './small-multiples.js';

/** Lines that an eye follows in one picture; more of them get a small picture each. */
const MOST_LINES = 4;

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
      contenders.some(({ runs }) => runs.length > 1) ? 'Means over seeds.' : '',
      shared ? '' : 'A small picture for each contender: its own line in colour, all others in grey.',
      aboutIntervals(contenders),
      isCut ? 'Those that leave the picture are whole in the table.' : '',
    ]
      .filter((sentence) => sentence !== '')
      .join(' '),
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
