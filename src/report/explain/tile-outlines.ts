import { QUAD } from '../../plan/columns.js';
import { type Html, html } from '../page/html.js';
import { whole } from '../page/numbers.js';
import type { ExplainedTile, Explanation, PairView } from './explanation.js';

/** The tags of a tile's rows, each once. */
export function tagsOfTile({ runs }: Explanation, { rowStart, rowCount }: ExplainedTile): string {
  const inside = runs.filter(({ start, length }) => start < rowStart + rowCount && rowStart < start + length);
  return [...new Set(inside.map(({ tag }) => String(tag)))].join(', ');
}

/** The columns that a tile is computed for, range by range: those that exist, and the padding behind them. */
function columnsOf({ ranges, rowCount, executed }: ExplainedTile, strip: number) {
  const rows = Math.ceil(rowCount / strip) * strip;
  let left = executed / rows;
  return ranges.map(({ start, length }, index) => {
    const slots = Math.ceil(length / QUAD) * QUAD;
    const taken = index === ranges.length - 1 ? left : slots;
    left -= slots;
    return { start, length, padded: Math.max(length, taken) };
  });
}

/** The tiles over a picture of sorted pairs: what each computes, and hatched what only fills it up. @param cell Of a pair. */
export function tileOutlines(
  explanation: Explanation,
  { tiles }: PairView,
  cell: number,
  side: number,
  id: string,
): Html {
  const { strip } = explanation.shape;
  const box = (kind: string, x: number, y: number, columns: number, rows: number) => {
    const width = Math.min(columns * cell, side - x * cell);
    const height = Math.min(rows * cell, side - y * cell);
    if (width <= 0 || height <= 0) return '';
    const at = [x * cell, y * cell, width, height].map((value) => value.toFixed(1));
    return html`<rect class="${kind}" x="${at[0]}" y="${at[1]}" width="${at[2]}" height="${at[3]}"/>`;
  };
  const drawn = tiles.map((tile, index) => {
    const { rowStart, rowCount, useful, executed } = tile;
    const paddedRows = Math.ceil(rowCount / strip) * strip;
    const rectangles = columnsOf(tile, strip).map(({ start, length, padded }) => [
      box('padding', start + length, rowStart, padded - length, paddedRows),
      box('padding', start, rowStart + rowCount, length, paddedRows - rowCount),
      box('tile', start, rowStart, length, rowCount),
    ]);
    const tags = tagsOfTile(explanation, tile);
    return html`<g data-tile="${index}"><title>Tile ${index + 1}, ${rowCount} rows${tags && ` (${tags})`}: ${whole(useful)} useful of ${whole(executed)} executed pairs</title>${rectangles}</g>`;
  });
  return html`<g class="tiles" id="${id}-tiles">${drawn}</g>`;
}
