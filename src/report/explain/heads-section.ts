import { type Html, html } from '../page/html.js';
import { nameOfHead, type ShownHead } from './attention-data.js';
import { attentionArcs, attentionMatrix, headChooser, headTable, MOST_DRAWN } from './attention-pictures.js';
import type { Explanation } from './explanation.js';

/**
 * What the heads of a model attend to: one of them drawn, the others to be chosen, and a table of all.
 * @param heads All heads.
 * @param shown Those that can be chosen, whose data the page has.
 */
export function attentionSection(
  explanation: Explanation,
  heads: readonly ShownHead[],
  shown: readonly ShownHead[],
): Html {
  const left = heads.length - shown.length;
  const chosen = shown.length - 1;
  const isDrawn = chosen >= 0 && explanation.tokens.length <= MOST_DRAWN;
  return html`<h2 id="heads">Attention: <span id="head-name" aria-live="polite">${chosen < 0 ? 'all heads' : nameOfHead(shown[chosen])}</span></h2>
<section id="attention" data-head="${chosen}" aria-label="Attention">
${left > 0 && html`<p>${left} of ${heads.length} heads are left to the table, so that the page stays small: those of the first layers.</p>`}
${chosen >= 0 && headChooser(shown, chosen)}
${
  isDrawn
    ? html`<noscript><p>Without scripts this one head is drawn; the table says something of each.</p></noscript>
<div class="figures">${attentionMatrix(explanation, shown[chosen])}${attentionArcs(explanation, shown[chosen])}</div>`
    : html`<p>Attention is drawn up to ${MOST_DRAWN} tokens.${chosen >= 0 && ' Hover or focus a word to see where it looks.'}</p>`
}
${headTable(explanation, heads)}
</section>`;
}
