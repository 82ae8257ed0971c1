import { workOf } from '../src/report/explain/explanation.js';
import { pairPicture } from '../src/report/explain/pair-picture.js';
import { type Html, html, table } from '../src/report/page/html.js';
import { percent, whole } from '../src/report/page/numbers.js';
import type { Prediction } from '../src/train/sentence-classifier.js';
import type { PageReading } from './reading.js';

/** A text under one rule set. */
export interface Compared {
  name: string;
  reading: PageReading;
  /** Undefined without a GPU, or while it computes. */
  prediction?: Prediction;
}

type Quantity = readonly [name: string, value: (compared: Compared) => string];

const QUANTITIES: readonly Quantity[] = [
  [
    'Prediction',
    ({ prediction }) =>
      prediction ? `${prediction.label}, ${percent(Math.max(...prediction.probabilities))}` : '–',
  ],
  [
    'Pairs that exist',
    ({ reading: { explanation } }) =>
      `${whole(explanation.pairCounts.useful)} (${percent(workOf(explanation.pairCounts).density)})`,
  ],
  ['Pairs executed', ({ reading: { explanation } }) => whole(explanation.pairCounts.executed)],
  [
    'Pairs joined after 1, 2, 3 layers',
    ({ reading: { explanation } }) => explanation.closure.map(percent).join(', '),
  ],
];

/** Two rule sets side by side: what the model predicts under each, and their pairs. */
export function comparisonView(sides: readonly [Compared, Compared]): Html {
  return html`<h2>Side by side</h2>
${table(
  'The same model, the same text, two rule sets',
  [
    { heading: 'Quantity', cell: ([name]) => name },
    ...sides.map((side) => ({ heading: side.name, cell: ([, value]: Quantity) => value(side) })),
  ],
  QUANTITIES,
  'words',
)}
<div class="pictures">${sides.map(
    ({ name, reading }, at) =>
      html`<div><h3>${name}</h3>${pairPicture(reading.explanation, 'reading', undefined, `compared-${at}`)}</div>`,
  )}</div>`;
}
