import { type Html, html } from '../page/html.js';
import { percent, whole } from '../page/numbers.js';
import { columnLabels, labelMargin, rowLabels, spacedLabels } from './axis-labels.js';
import { countPairs, filledBlocks, HARD, PLAIN, SOFT } from './explained-pairs.js';
import type { Explanation, PairView } from './explanation.js';
import { pairRows, rectangleCount } from './pair-rows.js';
import { tileOutlines, tilePadding } from './tile-outlines.js';

/** The order in which a picture has the tokens: that of the text, or that of the plan. */
export type PictureOrder = 'reading' | 'sorted';

/** Side of the blocks that are counted, in pairs. */
const BLOCK = 8;

/** In units of the picture. */
const SIDE = 330;

const NAMES = {
  [HARD]: 'hard rule',
  [SOFT]: 'soft rule: β is added',
  [PLAIN]: 'no rule, exists all the same',
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

function titleOf({ isSorted, pairCounts }: Explanation, order: PictureOrder, rectangles: number): string {
  const name = order === 'reading' ? 'Reading order' : isSorted ? 'Sorted by tag' : 'Not sorted';
  if (pairCounts.useful === pairCounts.dense) return `${name}: every pair exists`;
  const lie = rectangles === 1 ? 'one rectangle' : `${whole(rectangles)} rectangles`;
  return order === 'reading' ? `${name}: the pairs lie in ${lie}` : `${name}: the same pairs in ${lie}`;
}

function wordsOf(explanation: Explanation, view: PairView, order: PictureOrder): string {
  const { tokens, runs, pairCounts } = explanation;
  const exist = `${whole(countPairs(view.kinds))} of ${whole(pairCounts.dense)} pairs of ${tokens.length} tokens exist.`;
  if (order === 'reading') return `${exist} Queries down, keys across, both as the text has them.`;
  const listed = runs.map(({ tag, length }) => `${tag} ${length}`).join(', ');
  const { useful, executed } = view.pairCounts;
  return `${exist} Queries down, keys across, both sorted by tag, in runs: ${listed || 'none'}. ${view.tiles.length} tiles execute ${whole(executed)} pairs for ${whole(useful)} useful ones.`;
}

/**
 * The pairs of a text as a figure: queries down, keys across. In sorted order runs of tags are named along both sides, and the
 * tiles of the plan drawn over the pairs.
 * @param view Of which heads.
 * @param id Makes the figure's ids its own, where a page has several.
 */
export function pairPicture(
  explanation: Explanation,
  order: PictureOrder,
  view = explanation.views[0],
  id = `pairs-${order}`,
): Html {
  const { tokens, isSorted, runs } = explanation;
  const shown = order === 'reading' ? tokens.map((_, at) => at) : Array.from(explanation.order);
  const cell = SIDE / tokens.length;
  const title = titleOf(explanation, order, rectangleCount(view.kinds, shown));
  const filled = filledBlocks(view.kinds, shown, BLOCK);
  const showsRuns = order === 'sorted' && isSorted;
  const spans = showsRuns
    ? runs.map(({ tag, start, length }) => ({ text: String(tag), start, length }))
    : shown.map((token, start) => ({ text: tokens[token].text, start, length: 1 }));
  const labels = spacedLabels(spans, cell, SIDE);
  const margin = labelMargin(labels);
  const width = margin + SIDE + 4;
  return html`<figure class="pair-picture" aria-labelledby="${id}-title">
<h3 id="${id}-title">${title}</h3>
<svg class="plot" viewBox="0 0 ${width} ${width}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-words">
<desc id="${id}-words">${wordsOf(explanation, view, order)}</desc>
<text class="axis" x="${margin - 4}" y="11" text-anchor="end">keys →</text><text class="axis" x="4" y="${margin - 8}">queries ↓</text>
<g transform="translate(${margin} ${margin})" data-order="${order}" data-side="${SIDE}">
<rect class="frame" width="${SIDE}" height="${SIDE}"/>
${order === 'sorted' && tilePadding(explanation, view, cell, SIDE)}
<g transform="scale(${cell.toFixed(4)})">${pairRows(view.kinds, shown, id)}</g>
${showsRuns && runLines(runs, cell)}
${order === 'sorted' && tileOutlines(explanation, view, cell, SIDE)}
${rowLabels(labels)}${columnLabels(labels)}
</g></svg>
${legend(view.kinds, order === 'sorted')}
<figcaption>${percent(filled)} of the blocks of ${BLOCK} x ${BLOCK} pairs hold one${filled === 1 ? ': none could be skipped' : '; the others can be skipped'}.</figcaption>
</figure>
`;
}

/** Thin lines between the runs. */
function runLines(runs: Explanation['runs'], cell: number): Html {
  const lines = runs.slice(1).map(({ start }) => {
    const at = (start * cell).toFixed(1);
    return `M0 ${at}h${SIDE}M${at} 0v${SIDE}`;
  });
  return html`<path class="run-lines" d="${lines.join('')}"/>`;
}
