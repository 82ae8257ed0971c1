import { paddedToQuads } from '../../plan/ranges.js';
import { type Html, html, table } from '../page/html.js';
import { percent, ratio, times, whole } from '../page/numbers.js';
import { type ExplainedTile, type Explanation, type PairView, workOf } from './explanation.js';

/** The tags of a tile's rows, each once. */
function tagsOfTile({ runs }: Explanation, { rowStart, rowCount }: ExplainedTile): string {
  const inside = runs.filter(({ start, length }) => start < rowStart + rowCount && rowStart < start + length);
  return [...new Set(inside.map(({ tag }) => String(tag)))].join(', ');
}

/** The columns that a tile computes, range by range: those that exist, and the padding after them. */
function columnsOf({ ranges, rowCount, executed }: ExplainedTile, rowBlock: number) {
  const rows = Math.ceil(rowCount / rowBlock) * rowBlock;
  let left = executed / rows;
  return ranges.map(({ start, length }, index) => {
    const paddedColumns = paddedToQuads(length);
    const taken = index === ranges.length - 1 ? left : paddedColumns;
    left -= paddedColumns;
    return { start, length, padded: Math.max(length, taken) };
  });
}

/** The part of a rectangle of pairs that is inside the picture, in its units. */
function box(kind: string, [x, y, columns, rows]: readonly number[], cell: number, side: number): Html | '' {
  const width = Math.min(columns * cell, side - x * cell);
  const height = Math.min(rows * cell, side - y * cell);
  if (width <= 0 || height <= 0) return '';
  const at = [x * cell, y * cell, width, height].map((value) => value.toFixed(1));
  return html`<rect class="${kind}" x="${at[0]}" y="${at[1]}" width="${at[2]}" height="${at[3]}"/>`;
}

/** The padding of a plan's tiles inside the picture of sorted pairs. @param cell Side of a pair. */
export function tilePadding(
  { tileConfig }: Explanation,
  { tiles }: PairView,
  cell: number,
  side: number,
): Html {
  const drawn = tiles.map((tile) => {
    const { rowStart, rowCount } = tile;
    const rows = Math.ceil(rowCount / tileConfig.rowBlock) * tileConfig.rowBlock;
    return columnsOf(tile, tileConfig.rowBlock).map(({ start, length, padded }) => [
      box('padding', [start + length, rowStart, padded - length, rows], cell, side),
      box('padding', [start, rowStart + rowCount, length, rows - rowCount], cell, side),
    ]);
  });
  return html`<g>${drawn}</g>`;
}

/** The outlines of a plan's tiles in the picture of sorted pairs. The text beside the pointer is the tile's work. */
export function tileOutlines(
  explanation: Explanation,
  { tiles }: PairView,
  cell: number,
  side: number,
): Html {
  const drawn = tiles.map((tile, index) => {
    const { rowStart, rowCount, useful, executed, ranges } = tile;
    const tags = tagsOfTile(explanation, tile);
    const rectangles = ranges.map(({ start, length }) =>
      box('tile', [start, rowStart, length, rowCount], cell, side),
    );
    return html`<g data-tile="${index}"><title>Tile ${index + 1}, ${rowCount} rows${tags && ` (${tags})`}: ${whole(useful)} useful of ${whole(executed)} executed pairs</title>${rectangles}</g>`;
  });
  return html`<g class="tiles">${drawn}</g>`;
}

/** A table of the tiles of the first heads, with their work. */
export function tileTable(explanation: Explanation): Html {
  const rows = explanation.views[0].tiles.map((tile, index) => ({ tile, index }));
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

/** A table of the work of some heads, counted three ways. */
export function pairCountTable(views: readonly PairView[], nameOf: (view: PairView) => string): Html {
  return html`${table(
    'Pairs of one head, counted three ways',
    [
      { heading: 'Heads', cell: nameOf },
      { heading: 'Dense pairs', cell: ({ pairCounts }) => whole(pairCounts.dense) },
      { heading: 'Useful pairs', cell: ({ pairCounts }) => whole(pairCounts.useful) },
      { heading: 'Executed pairs', cell: ({ pairCounts }) => whole(pairCounts.executed) },
      { heading: 'Density: useful / dense', cell: ({ pairCounts }) => percent(workOf(pairCounts).density) },
      { heading: 'Waste: executed / useful', cell: ({ pairCounts }) => ratio(workOf(pairCounts).waste) },
      {
        heading: 'Ideal speed-up',
        cell: ({ pairCounts }) => times(workOf(pairCounts).idealSpeedup),
      },
    ],
    views,
  )}`;
}
