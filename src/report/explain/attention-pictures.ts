import { type Html, html, table } from '../page/html.js';
import { percent } from '../page/numbers.js';
import { fittedText } from '../page/text-width.js';
import { nameOfHead, type ShownHead, wordAttention } from './attention-data.js';
import { matrixPicture, SIDE } from './axis-labels.js';
import { ABSENT } from './explained-pairs.js';
import type { Explanation } from './explanation.js';
import { ARCS, arcPaths, LEAST_ARC, shadePaths } from './page-script.js';

/** Size of the font of the words between arcs, as in the page's style. */
const WORD_SIZE = 12;

/** The most tokens whose attention is drawn. With more, the page is too large and the picture's cells too small. */
export const MOST_DRAWN = 128;

/** Attention by rows, -1 where a pair does not exist. */
function rowsOf({ tokens, views }: Explanation, { probabilities, view }: ShownHead): number[][] {
  const count = tokens.length;
  const { kinds } = views[view];
  return tokens.map((_, query) =>
    tokens.map((__, key) => {
      const pair = query * count + key;
      return kinds[pair] === ABSENT ? -1 : probabilities[pair];
    }),
  );
}

function pathsOf(paths: readonly string[], kind: string): Html {
  return html`${paths.map((path, at) => html`<path class="${kind}-${at}" d="${path}"/>`)}`;
}

/** A head's attention as a matrix: queries down, keys across. Darker cells have more attention. */
export function attentionMatrix(explanation: Explanation, head: ShownHead): Html {
  const { tokens } = explanation;
  const paths = pathsOf(shadePaths(rowsOf(explanation, head)), 'shade');
  const picture = matrixPicture({
    titleId: 'matrix-title',
    spans: tokens.map(({ text }, start) => ({ text, start, length: 1 })),
    order: 'reading',
    content: html`<g class="shades" transform="scale(${(SIDE / tokens.length).toFixed(4)})">${paths}</g>`,
  });
  const shades = Array.from(
    { length: 8 },
    (_, at) => html`<rect class="shade-${at}" x="${at * 14}" width="14" height="14"/>`,
  );
  return html`<figure class="attention-matrix" aria-labelledby="matrix-title">
<h4 id="matrix-title">As a matrix: each row adds up to 100 %</h4>
${picture}
<ul class="legend"><li><svg class="scale" viewBox="0 0 112 14" width="112" height="14" aria-hidden="true">${shades}</svg> 0 to 100 %, by the square root</li><li>blank: the pair does not exist</li></ul>
</figure>
`;
}

/** A head's attention as arcs beside the column of words: to earlier words at the left, to later ones at the right. */
export function attentionArcs(explanation: Explanation, head: ShownHead): Html {
  const { tokens } = explanation;
  const { pitch, left, right } = ARCS;
  const height = tokens.length * pitch;
  const words = tokens.map(({ text }, at) => {
    const shown = fittedText(text, right - left - 8, WORD_SIZE);
    return html`<text x="${(left + right) / 2}" y="${at * pitch + 12}">${shown}</text>`;
  });
  return html`<figure class="attention-arcs" aria-labelledby="arcs-title">
<h4 id="arcs-title">As arcs: at the left to earlier words, at the right to later ones</h4>
<svg class="plot" viewBox="0 0 400 ${height}" role="img" aria-labelledby="arcs-title">
<g class="arcs">${pathsOf(arcPaths(rowsOf(explanation, head)), 'arc')}</g>
<g class="arcs-of-word">${pathsOf(['', '', '', ''], 'arc')}</g>
<g class="words-of-arcs" text-anchor="middle">${words}</g>
</svg>
<ul class="legend">${['5', '25', '50', '75'].map(
    (least, at) =>
      html`<li><svg viewBox="0 0 26 10" width="26" height="10" aria-hidden="true"><path class="arc-${at}" d="M1 9C1 -2 25 -2 25 9"/></svg> from ${least} %</li>`,
  )}<li>a stroke at a word: to itself</li></ul>
<figcaption>From ${percent(LEAST_ARC)} on. Queries and keys are both in the text's order; the query is where the word is that you hover or focus.</figcaption>
</figure>
`;
}

/** A table of layers and heads, to choose one by mouse or by arrow keys. The page's script enables it. */
export function headChooser(shown: readonly ShownHead[], chosen: number): Html {
  const layers = [...new Set(shown.map(({ layer }) => layer))];
  const heads = [...new Set(shown.map(({ head }) => head))].sort((a, b) => a - b);
  const cell = (layer: number, head: number) => {
    const at = shown.findIndex((each) => each.layer === layer && each.head === head);
    if (at < 0) return html`<td></td>`;
    return html`<td><label><input type="radio" name="head" value="${at}"${at === chosen && html` checked`} disabled><span class="spoken">${nameOfHead(shown[at])}</span></label></td>`;
  };
  return html`<fieldset class="heads"><legend>Which head</legend><div class="scroll" role="region" aria-label="Layers and heads" tabindex="-1"><table>
<thead><tr><td></td>${heads.map((head) => html`<th scope="col">head ${head}</th>`)}</tr></thead>
<tbody>${layers.map((layer) => html`<tr><th scope="row">layer ${layer}</th>${heads.map((head) => cell(layer, head))}</tr>\n`)}</tbody></table></div></fieldset>`;
}

/** Where a head looks in a text. */
interface HeadSummary {
  name: string;
  /** Means over all queries. */
  itself: number;
  first: number;
  last: number;
  sameTag: number;
  strongest: Html | string;
}

function summaryOf(explanation: Explanation, head: ShownHead): HeadSummary {
  const { tokens, words } = explanation;
  const count = tokens.length;
  const tags = tokens.map(({ tag }) => tag);
  const sums = { itself: 0, first: 0, last: 0, sameTag: 0 };
  for (let query = 0; query < count; query++) {
    const row = head.probabilities.subarray(query * count, (query + 1) * count);
    sums.itself += row[query] / count;
    sums.first += row[0] / count;
    sums.last += row[count - 1] / count;
    for (let key = 0; key < count; key++) if (tags[key] === tags[query]) sums.sameTag += row[key] / count;
  }
  let best = { query: 0, key: 0, share: -1 };
  wordAttention(explanation, head).forEach((row, query) => {
    if (words[query].isSpecial) return;
    row.forEach((share, key) => {
      if (key !== query && !words[key].isSpecial && share > best.share) best = { query, key, share };
    });
  });
  const pair = html`<bdi>${words[best.query].text}</bdi> → <bdi>${words[best.key].text}</bdi> ${percent(best.share)}`;
  return { name: nameOfHead(head), ...sums, strongest: best.share > 0 ? pair : 'none' };
}

/** A table of where each head looks, which needs no script. */
export function headTable(explanation: Explanation, heads: readonly ShownHead[]): Html {
  return table(
    'Where each head looks: means over all tokens, and the strongest pair of words',
    [
      { heading: 'Head', cell: ({ name }) => name },
      { heading: 'To itself', cell: ({ itself }) => percent(itself) },
      { heading: 'To [CLS]', cell: ({ first }) => percent(first) },
      { heading: 'To [SEP]', cell: ({ last }) => percent(last) },
      { heading: 'To the same tag', cell: ({ sameTag }) => percent(sameTag) },
      { heading: 'Strongest', cell: ({ strongest }) => strongest },
    ],
    heads.map((head) => summaryOf(explanation, head)),
  );
}
