import { paddedToQuads } from '../../plan/ranges.js';
import { type Html, html } from '../page/html.js';
import { whole } from '../page/numbers.js';
import type { ExplainedTile, Explanation, PairView } from './explanation.js';

/** The tags of a tile's rows, each once. */
export function tagsOfTile({ runs }: Explanation, { rowStart, rowCount }: ExplainedTile): string {
  const inside = runs.filter(({ start, length }) => start < rowStart + rowCount && rowStart < start + length);
  return [...new Set(inside.map(({ tag }) => String(tag)))].join(', ');
}

/** The columns that a tile is computed for, range by range: those that exist, and the padding behind them. */
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

/** A rectangle of pairs, in units of the picture, as far as it is inside. */
function box(kind: string, [x, y, columns, rows]: readonly number[], cell: number, side: number): Html | '' {
  const width = Math.min(columns * cell, side - x * cell);
  const height = Math.min(rows * cell, side - y * cell);
  if (width <= 0 || height <= 0) return '';
  const at = [x * cell, y * cell, width, height].map((value) => value.toFixed(1));
  return html`<rect class="${kind}" x="${at[0]}" y="${at[1]}" width="${at[2]}" height="${at[3]}"/>`;
}

/** What the tiles of a plan are filled up with, as far as it lies inside the picture of sorted pairs. @param cell Side of a pair. */
export function tilePadding({ shape }: Explanation, { tiles }: PairView, cell: number, side: number): Html {
  const drawn = tiles.map((tile) => {
    const { rowStart, rowCount } = tile;
    const rows = Math.ceil(rowCount / shape.rowBlock) * shape.rowBlock;
    return columnsOf(tile, shape.rowBlock).map(({ start, length, padded }) => [
      box('padding', [start + length, rowStart, padded - length, rows], cell, side),
      box('padding', [start, rowStart + rowCount, length, rows - rowCount], cell, side),
    ]);
  });
  return html`<g>${drawn}</g>`;
}

/** The tiles of a plan over the picture of sorted pairs, each with its work beside the pointer. */
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
