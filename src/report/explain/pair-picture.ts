import { type Html, html } from '../page/html.js';
import { counted, percent, whole } from '../page/numbers.js';
import { matrixPicture, SIDE } from './axis-labels.js';
import { countPairs, filledBlocks, HARD, type PairKind, PLAIN, SOFT } from './explained-pairs.js';
import { tileOutlines, tilePadding } from './explained-tiles.js';
import type { Explanation, PairView } from './explanation.js';

/** The order of a picture's tokens: that of the text, or that of the plan. */
export type PictureOrder = 'reading' | 'sorted';

/** Side of the blocks that are counted as filled or empty, in pairs. */
const BLOCK = 8;

const NAMES = {
  [HARD]: 'hard rule',
  [SOFT]: 'soft rule: β is added',
  [PLAIN]: 'exists without a rule',
};

function legend(kinds: Uint8Array, withTiles: boolean): Html {
  const present = [HARD, SOFT, PLAIN].filter((kind) => kinds.includes(kind));
  const swatches = present.map((kind) => {
    const name = kinds.every((each) => each === PLAIN) ? 'exists, as every pair does' : NAMES[kind];
    return html`<li><svg viewBox="0 0 4 4" width="14" height="14" aria-hidden="true"><rect class="frame" width="4" height="4"/>${[
      0, 1, 2, 3,
    ].map((row) => html`<path class="pairs kind-${kind}" d="M0 ${row}.5h4"/>`)}</svg> ${name}</li>`;
  });
  const tiles = html`<li><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><rect class="tile" x="1" y="1" width="12" height="12"/></svg> tile of the kernel</li>
<li><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><rect class="padding" width="14" height="14"/></svg> its padding</li>`;
  return html`<ul class="legend">${swatches}${withTiles && tiles}</ul>`;
}

function titleOf({ isSorted, pairCounts }: Explanation, view: PairView, shown: PictureOrder): string {
  const name = shown === 'reading' ? 'Reading order' : isSorted ? 'Sorted by tag' : 'Not sorted';
  if (pairCounts.useful === pairCounts.dense) return `${name}: every pair exists`;
  const { reading, sorted } = view.rectangles;
  if (shown === 'reading') return `${name}: the pairs lie in ${counted(reading, 'rectangle')}`;
  // In a short text, sorting may not join rectangles; tiles then still cover runs of equal rows.
  return sorted < reading
    ? `${name}: the same pairs in ${counted(sorted, 'rectangle')}`
    : `${name}: ${counted(view.tiles.length, 'tile')} ${view.tiles.length === 1 ? 'covers' : 'cover'} the same pairs`;
}

function wordsOf(explanation: Explanation, view: PairView, order: PictureOrder): string {
  const { tokens, runs, pairCounts } = explanation;
  const exist = `${whole(countPairs(view.kinds))} of ${whole(pairCounts.dense)} pairs of ${tokens.length} tokens exist.`;
  if (order === 'reading') return `${exist} Queries down, keys across, both as the text has them.`;
  const listed = runs.map(({ tag, length }) => `${tag} ${length}`).join(', ');
  const { useful, executed } = view.pairCounts;
  return `${exist} Queries down, keys across, both sorted by tag, in runs: ${listed || 'none'}. ${counted(view.tiles.length, 'tile')} ${view.tiles.length === 1 ? 'executes' : 'execute'} ${whole(executed)} pairs for ${whole(useful)} useful ones.`;
}

/** The pairs of a text without the figure around them: what the picture shows in words, and the matrix. */
export function pairMatrix(
  explanation: Explanation,
  order: PictureOrder,
  view: PairView,
  id: string,
): { title: string; caption: string; matrix: Html } {
  const { tokens, isSorted, runs } = explanation;
  const shown = order === 'reading' ? tokens.map((_, at) => at) : Array.from(explanation.order);
  const cell = SIDE / tokens.length;
  const filled = filledBlocks(view.kinds, shown, BLOCK);
  const showsRuns = order === 'sorted' && isSorted;
  const spans = showsRuns
    ? runs.map(({ tag, start, length }) => ({ text: String(tag), start, length }))
    : shown.map((token, start) => ({ text: tokens[token].text, start, length: 1 }));
  const content = html`${order === 'sorted' && tilePadding(explanation, view, cell, SIDE)}
<g transform="scale(${cell.toFixed(4)})">${pairRows(view.kinds, shown, id)}</g>
${showsRuns && runLines(runs, cell)}
${order === 'sorted' && tileOutlines(explanation, view, cell, SIDE)}`;
  const description = { id: `${id}-words`, text: wordsOf(explanation, view, order) };
  return {
    title: titleOf(explanation, view, order),
    caption: `${percent(filled)} of the blocks of ${BLOCK} x ${BLOCK} pairs hold one${filled === 1 ? ': none could be skipped' : '; the others can be skipped'}.`,
    matrix: matrixPicture({ titleId: `${id}-title`, description, spans, order, content }),
  };
}

/**
 * The pairs of a text as a figure: queries down, keys across. In sorted order, tag runs are named along both sides, and the tiles
 * of the plan are drawn over the pairs.
 * @param view The heads whose pairs are drawn.
 * @param id Distinguishes the figure's ids from those of other figures.
 */
export function pairPicture(
  explanation: Explanation,
  order: PictureOrder,
  view = explanation.views[0],
  id = `pairs-${order}`,
): Html {
  const { title, caption, matrix } = pairMatrix(explanation, order, view, id);
  return html`<figure class="pair-picture" aria-labelledby="${id}-title">
<h3 id="${id}-title">${title}</h3>
${matrix}
${legend(view.kinds, order === 'sorted')}
<figcaption>${caption}</figcaption>
</figure>
`;
}

/** Thin lines between the tag runs. */
function runLines(runs: Explanation['runs'], cell: number): Html {
  const lines = runs.slice(1).map(({ start }) => {
    const at = (start * cell).toFixed(1);
    return `M0 ${at}h${SIDE}M${at} 0v${SIDE}`;
  });
  return html`<path class="run-lines" d="${lines.join('')}"/>`;
}

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

/** Consecutive equal rows, drawn as one. */
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
    // Soft pairs are drawn as stripes, a line a row, which differ from hard ones without colour.
    if (last?.path === path && kind !== SOFT) last.height++;
    else blocks.push({ path, start, height: 1 });
  });
  return blocks.filter(({ path }) => path !== '');
}

/**
 * All pairs that exist, a unit each. Tokens of one tag mostly see the same keys, so each distinct row is written once and used
 * wherever it occurs. This keeps the picture small and sharp.
 * @param id The prefix of the ids of rows.
 */
function pairRows(kinds: Uint8Array, order: readonly number[], id: string): Html {
  const count = order.length;
  const rows = order.map((query) => order.map((key) => kinds[query * count + key]));
  return html`${([PLAIN, SOFT, HARD] as const).map((kind) => {
    const blocks = blocksOf(rows, kind);
    const paths = [...new Set(blocks.map(({ path }) => path))];
    if (paths.length === 0) return '';
    const nameOf = new Map(paths.map((path, index) => [path, `${id}-${kind}-${index}`]));
    const defined = paths.map((path) => html`<path id="${nameOf.get(path)}" d="${path}"/>`);
    const used = blocks.map(({ path, start, height }) => {
      const position =
        height === 1 ? html`y="${start}"` : html`transform="translate(0 ${start}) scale(1 ${height})"`;
      return html`<use href="#${nameOf.get(path)}" ${position}/>`;
    });
    return html`<defs>${defined}</defs><g class="pairs kind-${kind}">${used}</g>`;
  })}`;
}
