import { type Html, html } from '../page/html.js';
import { ABSENT, HARD, type PairKind, PLAIN, SOFT } from './explained-pairs.js';

/** One row of pairs of a kind as a path of unit height: "M3 .5h2m4 0h1". */
function rowPath(row: readonly number[], kind: PairKind): string {
  let path = '';
  let at = 0;
  for (let from = 0; from < row.length; from++) {
    if (row[from] !== kind) continue;
    let to = from;
    while (row[to] === kind) to++;
    path += path === '' ? `M${from} .5h${to - from}` : `m${from - at} 0h${to - from}`;
    at = to;
    from = to;
  }
  return path;
}

/** Equal rows in succession, drawn at once. */
interface Block {
  path: string;
  start: number;
  height: number;
}

function blocksOf(rows: readonly (readonly number[])[], kind: PairKind): Block[] {
  const blocks: Block[] = [];
  rows.forEach((row, start) => {
    const path = rowPath(row, kind);
    const last = blocks.at(-1);
    // Soft pairs are stripes, a line a row: they are told from hard ones without colour.
    if (last?.path === path && kind !== SOFT) last.height++;
    else blocks.push({ path, start, height: 1 });
  });
  return blocks.filter(({ path }) => path !== '');
}

/** In how many rectangles the pairs that exist lie, in some order: runs of a row, those of equal rows in succession taken together. */
export function rectangleCount(kinds: Uint8Array, order: readonly number[]): number {
  const count = order.length;
  const rows = order.map((query) => order.map((key) => (kinds[query * count + key] === ABSENT ? 0 : 1)));
  let rectangles = 0;
  let last = '';
  for (const row of rows) {
    const text = row.join('');
    if (text !== last) rectangles += text.match(/1+/g)?.length ?? 0;
    last = text;
  }
  return rectangles;
}

/**
 * All pairs that exist, a unit each. Tokens of one tag mostly see the same, so each distinct row is written once and used
 * wherever it occurs: the picture stays small, exact and sharp.
 * @param id What the ids of rows begin with.
 */
export function pairRows(kinds: Uint8Array, order: readonly number[], id: string): Html {
  const count = order.length;
  const rows = order.map((query) => order.map((key) => kinds[query * count + key]));
  return html`${([PLAIN, SOFT, HARD] as const).map((kind) => {
    const blocks = blocksOf(rows, kind);
    const paths = [...new Set(blocks.map(({ path }) => path))];
    if (paths.length === 0) return '';
    const nameOf = new Map(paths.map((path, index) => [path, `${id}-${kind}-${index}`]));
    const defined = paths.map((path) => html`<path id="${nameOf.get(path)}" d="${path}"/>`);
    const used = blocks.map(({ path, start, height }) => {
      const place =
        height === 1 ? html`y="${start}"` : html`transform="translate(0 ${start}) scale(1 ${height})"`;
      return html`<use href="#${nameOf.get(path)}" ${place}/>`;
    });
    return html`<defs>${defined}</defs><g class="pairs kind-${kind}">${used}</g>`;
  })}`;
}
