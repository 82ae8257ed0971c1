import { workOf } from '../src/report/explain/explanation.js';
import { pairPicture } from '../src/report/explain/pair-picture.js';
import { taggedSentence } from '../src/report/explain/tagged-sentence.js';
import { ledgerTable } from '../src/report/explain/tile-table.js';
import { html } from '../src/report/page/html.js';
import { percent, times, whole } from '../src/report/page/numbers.js';
import { show } from './page.js';
import type { PageReading } from './reading.js';

/** Longest list of heads with rules of their own that is drawn. */
const MOST_VIEWS = 8;

/** Draws what rules and plan make of the text; all that needs no GPU. */
export function showReading({ explanation }: PageReading): void {
  const { ledger, views } = explanation;
  const { density, waste, idealSpeedup } = workOf(ledger);
  show(
    'facts',
    html`<dl class="facts">
<div><dt>Pairs that exist (density)</dt><dd><strong id="density">${percent(density)}</strong>, ${whole(ledger.useful)} of ${whole(ledger.dense)}</dd></div>
<div><dt>Fastest possible against dense</dt><dd><strong>${times(idealSpeedup)}</strong></dd></div>
<div><dt>Multiplied, padding included</dt><dd>${whole(ledger.executed)} pairs, ${waste.toFixed(2)} for each that exists</dd></div>
</dl>`,
  );
  show('pictures', html`${pairPicture(explanation, 'reading')}${pairPicture(explanation, 'sorted')}`);
  show('sentence', html`<h2>Words and their tags</h2>${taggedSentence(explanation)}`);
  const named = (heads: readonly number[] | undefined) => (heads ? heads.join(', ') : 'all');
  show(
    'ledgers',
    ledgerTable(views.slice(0, MOST_VIEWS), (view) => named(view.heads)),
  );
}

/** Draws nothing: there is no word. */
export function showNothing(): void {
  for (const id of ['facts', 'pictures', 'sentence', 'ledgers', 'prediction']) show(id, '');
}
