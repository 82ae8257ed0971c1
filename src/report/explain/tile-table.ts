import { type Html, html, table } from '../page/html.js';
import { percent, whole } from '../page/numbers.js';
import { type Explanation, type PairView, workOf } from './explanation.js';
import { tagsOfTile } from './tile-outlines.js';

/** The tiles of a plan with their work. */
export function tileTable(explanation: Explanation, view = explanation.views[0]): Html {
  const rows = view.tiles.map((tile, index) => ({ tile, index }));
  return table(
    'Tiles: rows of queries, and the keys that any of them sees; pairs of one head',
    [
      { heading: 'Tile', cell: ({ index }) => index + 1 },
      { heading: 'Tags of its rows', cell: ({ tile }) => tagsOfTile(explanation, tile) || 'any' },
      { heading: 'Rows', cell: ({ tile }) => tile.rowCount },
      { heading: 'Ranges of keys', cell: ({ tile }) => tile.ranges.length },
      { heading: 'Keys', cell: ({ tile }) => tile.ranges.reduce((sum, { length }) => sum + length, 0) },
      { heading: 'Useful pairs', cell: ({ tile }) => whole(tile.useful) },
      { heading: 'Executed pairs', cell: ({ tile }) => whole(tile.executed) },
      { heading: 'Useful share', cell: ({ tile }) => percent(tile.useful / tile.executed) },
    ],
    rows,
  );
}

/** The work of some heads counted three ways, and what follows from it. */
export function pairCountTable(views: readonly PairView[], nameOf: (view: PairView) => string): Html {
  return html`${table(
    'Pairs of one head, counted three ways',
    [
      { heading: 'Heads', cell: nameOf },
      { heading: 'Dense pairs', cell: ({ pairCounts }) => whole(pairCounts.dense) },
      { heading: 'Useful pairs', cell: ({ pairCounts }) => whole(pairCounts.useful) },
      { heading: 'Executed pairs', cell: ({ pairCounts }) => whole(pairCounts.executed) },
      { heading: 'Density: useful / dense', cell: ({ pairCounts }) => percent(workOf(pairCounts).density) },
      { heading: 'Waste: executed / useful', cell: ({ pairCounts }) => workOf(pairCounts).waste.toFixed(2) },
      {
        heading: 'Ideal speed-up',
        cell: ({ pairCounts }) => `${workOf(pairCounts).idealSpeedup.toFixed(2)}x`,
      },
    ],
    views,
  )}`;
}
