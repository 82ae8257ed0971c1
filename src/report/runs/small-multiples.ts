import * as Plot from '@observablehq/plot';
import type { Figure } from '../page/plot-frame.js';
import { fittedText } from '../page/text-width.js';
import { axes, type Curve, domainOf, pointsIn, type Vertical } from './curve-frame.js';
import { isKnown } from './run-format.js';

const COLUMNS = 3;
/** Of the names over the small pictures; bold letters are a tenth wider. */
const NAME_SIZE = 11;
/** Room for a name over a small picture. */
const NAME_ROOM = 92;

/** A small picture for each curve, with all others in grey below it. */
export function smallMultiples(
  curves: readonly Curve[],
  vertical: Vertical,
): Pick<Figure, 'options' | 'height'> {
  const domain = domainOf(curves, vertical);
  const rows = Math.ceil(curves.length / COLUMNS);
  const panel = (at: number) => ({ fx: at % COLUMNS, fy: Math.floor(at / COLUMNS) });
  const facets = { fx: 'fx', fy: 'fy' };
  const marks = curves.flatMap((curve, at) => {
    const { colour } = curve.condition.look;
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
      Plot.text([{ name: fittedText(curve.condition.name, NAME_ROOM, NAME_SIZE), ...panel(at) }], {
        text: 'name',
        frameAnchor: 'top-left',
        dy: -13,
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
    height: 62 + 92 * rows,
    options: {
      marginLeft: 46,
      marginTop: 34,
      fx: { axis: null, padding: 0.1 },
      fy: { axis: null, padding: 0.3 },
      x: { ...x, ticks: 2, inset: 4 },
      y: { ...y, ticks: 3 },
      marks: [Plot.frame({ stroke: 'currentColor', strokeOpacity: 0.2 }), ...marks],
    },
  };
}
