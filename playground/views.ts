import { pageData } from '../src/report/explain/attention-data.js';
import { headlineText } from '../src/report/explain/explain-headline.js';
import { pairCountTable } from '../src/report/explain/explained-tiles.js';
import { workOf } from '../src/report/explain/explanation.js';
import { interact } from '../src/report/explain/page-script.js';
import { pairPicture } from '../src/report/explain/pair-picture.js';
import { taggedSentence } from '../src/report/explain/tagged-sentence.js';
import { html, jsonElement } from '../src/report/page/html.js';
import { percent, times, whole } from '../src/report/page/numbers.js';
import { element, show } from './elements.js';
import type { PageReading } from './reading.js';

/** The page's headline without a sentence. */
const IDLE = 'Attention that computes only the pairs that grammar allows';

/** The most sets of heads in the table. */
const MOST_VIEWS = 8;

/** Draws the explanation of a text, which needs no GPU. */
export function showReading({ explanation }: PageReading): void {
  const { pairCounts, views } = explanation;
  const { density, waste, idealSpeedup } = workOf(pairCounts);
  element('point').textContent = headlineText(explanation);
  show(
    'facts',
    html`<dl class="facts">
<div><dt>Pairs that exist (density)</dt><dd><strong id="density">${percent(density)}</strong>, ${whole(pairCounts.useful)} of ${whole(pairCounts.dense)}</dd></div>
<div><dt>Fastest possible against dense</dt><dd><strong>${times(idealSpeedup)}</strong></dd></div>
<div><dt>Multiplied, padding included</dt><dd>${whole(pairCounts.executed)} pairs, ${waste.toFixed(2)} for each that exists</dd></div>
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

/** Clears the page, for a text without words. */
export function showNothing(): void {
  element('point').textContent = IDLE;
  element('word-status').textContent = '';
  for (const id of ['facts', 'pictures', 'sentence', 'pair-counts', 'prediction']) show(id, '');
}
