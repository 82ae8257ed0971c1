import type { ModelExplanation } from '../../train/sentence-classifier.js';
import { type Html, html } from '../page/html.js';
import { page } from '../page/page.js';
import { allHeads, nameOfHead, pageData, type ShownHead } from './attention-data.js';
import { attentionArcs, attentionMatrix, headChooser, headTable, MOST_ARCS } from './attention-pictures.js';
import type { Explanation, PairView } from './explanation.js';
import { cutNote, facts, headlineText, predictionText } from './headline.js';
import { pageScript } from './page-script.js';
import { pairPicture } from './pair-picture.js';
import { ruleMatrix } from './rule-matrix.js';
import { EXPLAIN_STYLE } from './style.js';
import { taggedSentence } from './tagged-sentence.js';
import { ledgerTable, tileTable } from './tile-table.js';
import { attributionTable, wordAttribution, wordMarks } from './word-attribution.js';

/** What a model made of the text. */
export interface PageModel {
  explanation: ModelExplanation;
  /** Names of its classes, by label. */
  classes: readonly string[];
  /** What the page calls it. */
  name: string;
}

/** Views beyond this are left to the table of ledgers: a model may have rules of its own for each of a hundred heads. */
const MOST_VIEWS = 4;

const IDLE = 'Hover or focus a word to see what it may attend to.';

function nameOfView({ heads }: PairView, headsOfLayer: number): string {
  if (!heads) return 'all';
  return heads.map((head) => `${Math.floor(head / headsOfLayer)}.${head % headsOfLayer}`).join(', ');
}

function pictures(explanation: Explanation, view: PairView, at: number): Html {
  return html`<div class="figures">
${pairPicture(explanation, 'reading', view, `pairs-${at}-reading`)}${pairPicture(explanation, 'sorted', view, `pairs-${at}-sorted`)}</div>`;
}

function attentionSection(
  explanation: Explanation,
  heads: readonly ShownHead[],
  shown: readonly ShownHead[],
): Html {
  const chosen = shown.length - 1;
  if (chosen < 0)
    return html`<h2>Attention</h2><p>The text is too long for its attention to be on the page.</p>${headTable(explanation, heads)}`;
  const left = heads.length - shown.length;
  const head = shown[chosen];
  const withArcs = explanation.pieces.length <= MOST_ARCS;
  return html`<h2>Attention of <span id="head-name" aria-live="polite">${nameOfHead(head)}</span></h2>
<section id="attention" data-head="${chosen}" aria-label="Attention">
<noscript><p>Without scripts this one head is drawn; the table says something of each.</p></noscript>
${left > 0 && html`<p>${left} of ${heads.length} heads are left to the table, so that the page stays small: those of the first layers.</p>`}
${headChooser(shown, chosen)}
<div class="figures">${attentionMatrix(explanation, head)}${
    withArcs ? attentionArcs(explanation, head) : html`<p>Arcs are drawn up to ${MOST_ARCS} pieces.</p>`
  }</div>
${headTable(explanation, heads)}
</section>`;
}

/**
 * The page of an explanation, in one file: what rules and plan make of a text and, with a model, what it attends to, what it
 * predicts, and which words that rests on.
 */
export function explainPage(explanation: Explanation, model?: PageModel): string {
  const { views, rules, pieces } = explanation;
  const heads = model ? allHeads(explanation, model.explanation) : [];
  const { data, shown } = pageData(explanation, heads);
  const values = model && wordAttribution(explanation, model.explanation);
  const label = model?.explanation.label ?? '';
  const prediction = model && predictionText(model.explanation, model.classes);
  const headsOfLayer =
    model?.explanation.attention[0].length ?? ('heads' in rules ? rules.heads[0].length : 1);
  return page({
    title: 'A sentence explained',
    eyebrow: model
      ? `Parsimony: a sentence explained, as ${model.name} reads it`
      : 'Parsimony: a sentence explained',
    header: html`<h1>${headlineText(explanation)}</h1>
${prediction && html`<p class="lead">Prediction: <strong>${label}</strong> ${prediction}</p>`}
${cutNote(explanation)}
${taggedSentence(explanation, values && wordMarks(values, label))}
<p id="word-status" class="quiet" aria-live="polite" data-idle="${IDLE}"></p>
${model && html`<p class="quiet">+ speaks for ${label}, − against it; the thicker the line below a word, the more.</p>`}
${pictures(explanation, views[0], 0)}
${facts(explanation)}`,
    main: html`${views
      .slice(1, MOST_VIEWS)
      .map(
        (view, at) =>
          html`<details><summary>Pairs of heads ${nameOfView(view, headsOfLayer)} (layer.head)</summary>${pictures(explanation, view, at + 1)}</details>\n`,
      )}
${model && attentionSection(explanation, heads, shown)}
${values && html`<h2>Which words it turned on</h2>${attributionTable(explanation, values, label)}`}
<h2>Rules</h2>
${ruleMatrix(rules, new Set(pieces.map(({ tag }) => tag)))}
<h2>Tiles</h2>
${ledgerTable(views, (view) => nameOfView(view, headsOfLayer))}
${tileTable(explanation)}`,
    style: EXPLAIN_STYLE,
    script: { source: pageScript(), dataId: 'explained', data },
  });
}
