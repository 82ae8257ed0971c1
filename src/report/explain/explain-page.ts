import { arrayLike, checkArgument, options } from '../../base/argument-schemas.js';
import { isPerHead } from '../../grammar/head-rules.js';
import type { ModelExplanation } from '../../train/sentence-classifier.js';
import { type Html, html } from '../page/html.js';
import { page } from '../page/html-page.js';
import { allHeads, pageData } from './attention-data.js';
import { cutNote, facts, headlineText, predictionText } from './explain-headline.js';
import { EXPLAIN_STYLE } from './explain-style.js';
import { pairCountTable, tileTable } from './explained-tiles.js';
import type { Explanation, PairView } from './explanation.js';
import { attentionSection } from './heads-section.js';
import { pageScript } from './page-script.js';
import { pairPicture } from './pair-picture.js';
import { ruleMatrix } from './rule-matrix-picture.js';
import { attributionTable, taggedSentence, wordAttribution, wordMarks } from './tagged-sentence.js';

/** A model's explanation of the text. */
export interface PageModel {
  explanation: ModelExplanation;
  /** Names of its classes, by label. */
  classes: readonly string[];
  /** The model's name on the page. */
  name: string;
  /** Notes below the prediction, such as words that the model does not know. */
  notes?: readonly string[];
}

/** The most characters of a page, which stays under a megabyte. Attention gets what the rest leaves. */
const MOST_CHARACTERS = 960_000;
/** The most characters of the pictures of pairs, where heads have different rules. */
const MOST_OF_VIEWS = 200_000;
/** Characters reserved for the pictures of one head and the rest: for the page, and for each token. */
const RESERVED = { page: 150_000, token: 250 };

/** Links to the parts below the first screen. */
function pageParts(hasModel: boolean): Html {
  const ofModel = html`<li><a href="#heads">Attention of each head</a></li><li><a href="#words">Words that decided</a></li>`;
  return html`<nav aria-label="Parts of this page"><ol>${hasModel && ofModel}<li><a href="#rules">Rules</a></li><li><a href="#tiles">Tiles</a></li></ol></nav>`;
}

const IDLE = 'Hover or focus a word to see what it may attend to.';

function nameOfView({ heads }: PairView, headsOfLayer: number): string {
  if (!heads) return 'all';
  return heads.map((head) => `${Math.floor(head / headsOfLayer)}.${head % headsOfLayer}`).join(', ');
}

function pictures(explanation: Explanation, view: PairView, at: number): Html {
  return html`<div class="figures">
${pairPicture(explanation, 'reading', view, `pairs-${at}-reading`)}${pairPicture(explanation, 'sorted', view, `pairs-${at}-sorted`)}</div>`;
}

/** Pictures of the heads whose rules differ from the first head's, while there is room. */
function furtherViews(explanation: Explanation, headsOfLayer: number): Html {
  const drawn: Html[] = [];
  let size = 0;
  for (const [at, view] of explanation.views.entries()) {
    if (at === 0) continue;
    const drawing = pictures(explanation, view, at);
    size += drawing.text.length;
    if (size > MOST_OF_VIEWS) break;
    const name = `Pairs of heads ${nameOfView(view, headsOfLayer)} (layer.head)`;
    drawn.push(html`<details><summary>${name}</summary>${drawing}</details>\n`);
  }
  const left = explanation.views.length - 1 - drawn.length;
  return html`${drawn}${left > 0 && html`<p>The pairs of ${left} more sets of rules are in the table of pairs alone.</p>`}`;
}

/**
 * The page of an explanation, in one file: the pairs and tiles of a text and, with a model, its attention, its prediction, and the
 * words that led to it.
 */
export function explainPage(explanation: Explanation, model?: PageModel): string {
  checkArgument(
    options({ views: arrayLike, mask: options({}), tokens: arrayLike }),
    explanation,
    'explanation',
  );
  const { views, tokens } = explanation;
  const { rules } = explanation.mask;
  const heads = model ? allHeads(explanation, model.explanation) : [];
  const values = model && wordAttribution(explanation, model.explanation);
  const label = model?.explanation.label ?? '';
  const prediction = model && predictionText(model.explanation, model.classes);
  const headsOfLayer =
    model?.explanation.attention[0].length ?? (isPerHead(rules) ? rules.heads[0].length : 1);
  const firstPictures = pictures(explanation, views[0], 0);
  const further = furtherViews(explanation, headsOfLayer);
  const matrix = ruleMatrix(rules, new Set(tokens.map(({ tag }) => tag)));
  const reserved = RESERVED.page + RESERVED.token * tokens.length;
  const taken = [firstPictures, further, matrix].reduce((sum, { text }) => sum + text.length, reserved);
  const { data, shown } = pageData(explanation, heads, MOST_CHARACTERS - taken);
  return page({
    title: 'A sentence explained',
    eyebrow: `Parsimony: a sentence explained${model ? `, as ${model.name} reads it` : ''}`,
    header: html`<h1>${headlineText(explanation)}</h1>
${prediction && html`<p class="lead">Prediction: <strong>${label}</strong> ${prediction}</p>`}
${model?.notes?.map((note) => html`<p class="quiet">${note}</p>`)}
${cutNote(explanation)}
${taggedSentence(explanation, values && wordMarks(values, label))}
<p id="word-status" class="quiet" aria-live="polite" data-idle="${IDLE}"></p>
${model && html`<p class="quiet">+ speaks for ${label}, − against it; the thicker the line below a word, the more.</p>`}
${firstPictures}
${facts(explanation)}
${pageParts(model !== undefined)}`,
    main: html`${further}
${model && attentionSection(explanation, heads, shown)}
${values && html`<h2 id="words">Words that decided</h2>${attributionTable(explanation, values, label)}`}
<h2 id="rules">Rules</h2>
${matrix}
<h2 id="tiles">Tiles</h2>
${pairCountTable(views, (view) => nameOfView(view, headsOfLayer))}
${tileTable(explanation)}`,
    style: EXPLAIN_STYLE,
    script: { source: pageScript(), dataId: 'explained', data },
  });
}
