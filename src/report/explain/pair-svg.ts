import { type Html, html } from '../page/html.js';
import { HARD, PLAIN, SOFT } from './explained-pairs.js';
import type { Explanation } from './explanation.js';
import { pairMatrix } from './pair-picture.js';

/** Side of a panel, the gap between two, and the heights of the title above and of the text below, in pixels. */
const [PANEL, GAP, ABOVE, BELOW] = [460, 24, 30, 56];

/** Colours of the explain page, for light and for dark backgrounds: a picture in another page has only its own style. */
const PICTURE_STYLE = `
svg { --background: #ffffff; --text: #1c1f23; --quiet: #555c66; --edge: #d5d9df; --soft: #f4f5f7; --hard: #0319ad; --soft-pair: #b86e00; --plain: #8d949e; --tile: #b3201f; }
@media (prefers-color-scheme: dark) { svg { --background: #14181d; --text: #e6e8eb; --quiet: #a4abb5; --edge: #39404a; --soft: #1d2229; --hard: #8d9dff; --soft-pair: #ffb545; --plain: #6d7580; --tile: #ff8a80; } }
text { font: 12px system-ui, sans-serif; fill: var(--text); white-space: pre; }
.ground { fill: var(--background); }
.title { font-size: 16px; font-weight: 600; }
.caption { font-size: 13px; fill: var(--quiet); }
.frame { fill: var(--soft); stroke: var(--edge); stroke-width: 0.5; vector-effect: non-scaling-stroke; }
.pairs { fill: none; stroke-width: 1; shape-rendering: crispEdges; }
.kind-${HARD} { stroke: var(--hard); }
.kind-${SOFT} { stroke: var(--soft-pair); stroke-width: 0.5; }
.kind-${PLAIN} { stroke: var(--plain); stroke-opacity: 0.55; }
.run-lines { stroke: var(--background); stroke-width: 0.8; fill: none; }
.tile { fill: none; stroke: var(--tile); stroke-width: 1.2; }
.padding { fill: var(--tile); fill-opacity: 0.16; }
.labels path { stroke: var(--quiet); stroke-width: 0.6; fill: none; }
.labels text, .axis { font-size: 10.5px; }
.axis { fill: var(--quiet); }
`;

/**
 * The pairs of a text as one SVG file for papers, slides and other pages: at the left in the text's order, at the right as the
 * kernels sort it, with their tiles. Where heads differ, the pairs of the first view are drawn.
 */
export function pairsSvg(explanation: Explanation): string {
  const panels = (['reading', 'sorted'] as const).map((order, at): Html => {
    const { title, caption, matrix } = pairMatrix(explanation, order, explanation.views[0], order);
    return html`<g transform="translate(${at * (PANEL + GAP)} 0)">
<text id="${order}-title" class="title" y="16">${title}</text>
<svg y="${ABOVE}" width="${PANEL}" height="${PANEL}">${matrix}</svg>
<text class="caption" y="${ABOVE + PANEL + 20}">${caption}</text>
</g>`;
  });
  const key = html`<g transform="translate(${PANEL + GAP} ${ABOVE + PANEL + 30})"><rect class="tile" x="1" y="1" width="12" height="12"/><text class="caption" x="20" y="12">tile of the kernel</text><rect class="padding" x="150" width="14" height="14"/><text class="caption" x="170" y="12">its padding</text></g>`;
  const [width, height] = [2 * PANEL + GAP, ABOVE + PANEL + BELOW];
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -8 ${width + 24} ${height + 12}" width="${width + 24}" height="${height + 12}">
<style>${PICTURE_STYLE}</style>
<rect class="ground" x="-12" y="-8" width="${width + 24}" height="${height + 12}"/>
${panels}
${key}
</svg>
`.text;
}
