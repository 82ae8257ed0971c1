import { allHeads, pageData } from '../src/report/explain/attention-data.js';
import { headlineText } from '../src/report/explain/explain-headline.js';
import { pairCountTable } from '../src/report/explain/explained-tiles.js';
import { workOf } from '../src/report/explain/explanation.js';
import { attentionSection } from '../src/report/explain/heads-section.js';
import { interact } from '../src/report/explain/page-script.js';
import { pairPicture } from '../src/report/explain/pair-picture.js';
import {
  attributionTable,
  taggedSentence,
  wordAttribution,
  wordMarks,
} from '../src/report/explain/tagged-sentence.js';
import { html, jsonElement } from '../src/report/page/html.js';
import { percent, ratio, times, whole } from '../src/report/page/numbers.js';
import type { ModelExplanation } from '../src/train/sentence-classifier.js';
import { element, show } from './elements.js';
import type { PageReading } from './reading.js';

/** The page's headline without a sentence. */
const IDLE = 'Attention that computes only the pairs that grammar allows';

/** The most characters of the attention of all heads. */
const MOST_CHARACTERS = 500_000;

/** The most sets of heads in the table. */
const MOST_VIEWS = 8;

/** Draws the explanation of a text, which needs no GPU. */
export function showReading({ explanation }: PageReading): void {
  const { pairCounts, views } = explanation;
  // Until the model has read this text, its view is that of another.
  element('model-view').inert = true;
  const { density, waste, idealSpeedup } = workOf(pairCounts);
  element('point').textContent = headlineText(explanation);
  show(
    'facts',
    html`<dl class="facts">
<div><dt>Pairs that exist (density)</dt><dd><strong id="density">${percent(density)}</strong>, ${whole(pairCounts.useful)} of ${whole(pairCounts.dense)}</dd></div>
<div><dt>Fastest possible against dense</dt><dd><strong>${times(idealSpeedup)}</strong></dd></div>
<div><dt>Multiplied, padding included</dt><dd>${whole(pairCounts.executed)} pairs, ${ratio(waste)} for each that exists</dd></div>
</dl>`,
  );
  show('pictures', html`${pairPicture(explanation, 'reading')}${pairPicture(explanation, 'sorted')}`);
  if (
    show(
      'sentence',
      html`${taggedSentence(explanation)}${jsonElement('explained', pageData(explanation, [], 0).data)}`,
    )
  )
    interact(document);
  const named = (heads: readonly number[] | undefined) => (heads ? heads.join(', ') : 'all');
  show(
    'pair-counts',
    pairCountTable(views.slice(0, MOST_VIEWS), (view) => named(view.heads)),
  );
}

/** Draws what the model's heads attend to and which words decided, and marks these in the sentence. */
export function showModelView({ explanation }: PageReading, model: ModelExplanation | undefined): void {
  if (!model) {
    show('model-view', '');
    return;
  }
  element('model-view').inert = false;
  const heads = allHeads(explanation, model);
  const values = wordAttribution(explanation, model);
  const { data, shown } = pageData(explanation, heads, MOST_CHARACTERS);
  const view = html`${attentionSection(explanation, heads, shown)}
<h2>Which words decided</h2>
<p>The sentence above is marked: + speaks for ${model.label}, − against it.</p>
${attributionTable(explanation, values, model.label)}`;
  const sentence = html`${taggedSentence(explanation, wordMarks(values, model.label))}${jsonElement('explained', data)}`;
  const isChanged = [show('model-view', view), show('sentence', sentence)];
  if (isChanged.includes(true)) interact(document);
}

/** Clears the page, for a text without words. */
export function showNothing(): void {
  element('point').textContent = IDLE;
  element('word-status').textContent = '';
  for (const id of ['facts', 'pictures', 'sentence', 'pair-counts', 'prediction', 'comparison', 'model-view'])
    show(id, '');
}
