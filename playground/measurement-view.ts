import type { AttentionRow } from '../bench/attention-row.js';
import { IMPOSSIBLE, isImpossible } from '../bench/plausibility.js';
import { speedupInterval } from '../bench/report-table.js';
import { CONFIDENCE } from '../bench/statistics.js';
import { type Html, html, table } from '../src/report/page/html.js';
import { orNothing, percent, short, times, whole } from '../src/report/page/numbers.js';
import type { MeasureAnswer } from './measure-worker.js';

type Done = Extract<MeasureAnswer, { kind: 'done' }>;

const INTERVAL = `${100 * CONFIDENCE} % interval`;

function headline(row: AttentionRow): Html {
  const { strategy, length, realisedSpeedup, ratioLow, ratioHigh } = row;
  if (realisedSpeedup === null || ratioLow === null || ratioHigh === null) {
    return html`<h3>No speed-up is shown: the results were wrong</h3>`;
  }
  const between = speedupInterval(row);
  if (isImpossible(row)) {
    return html`<h3 id="speed-up">No speed-up is shown: ${times(realisedSpeedup)} is ${IMPOSSIBLE}</h3>
<p class="caution">${INTERVAL} of the speed-up: ${between}. The rules allow ${times(row.idealSpeedup)} at most. Something else kept this machine busy; measure again.</p>`;
  }
  return html`<h3 id="speed-up">At ${whole(length)} tokens, ${strategy} attention was ${times(realisedSpeedup)} as fast as dense</h3>
<p>${INTERVAL} of the speed-up: ${between}. The rules allow ${times(row.idealSpeedup)} at most; ${percent(row.realisedFraction ?? 0)} of that was reached.</p>`;
}

/** A row of the table: its name, and its value for each implementation. */
type Quantity = readonly [name: string, value: (row: AttentionRow) => string];

const QUANTITIES: readonly Quantity[] = [
  ['Median time of a turn, ms', ({ medianMs }) => short(medianMs)],
  ['Turns', ({ repeats }) => whole(repeats)],
  ['Dense pairs', ({ densePairs }) => whole(densePairs)],
  ['Useful pairs', ({ usefulPairs }) => whole(usefulPairs)],
  ['Executed pairs', ({ executedPairs }) => whole(executedPairs)],
  ['Density: useful / dense', ({ density }) => percent(density)],
  ['Waste: executed / useful', ({ waste }) => waste.toFixed(2)],
  ['Ideal speed-up', ({ idealSpeedup }) => times(idealSpeedup)],
  ['Realised speed-up', ({ realisedSpeedup }) => orNothing(realisedSpeedup, times)],
  ['Realised / ideal', ({ realisedFraction }) => orNothing(realisedFraction, percent)],
  ['Planning, ms', ({ planMs }) => planMs.toFixed(1)],
];

/** The results: the finding, the gate, and the work counted three ways. */
export function measurementView({ results, adapter, isSoftware }: Done): Html {
  const { gate, rows } = results;
  const [, sparse] = rows;
  const verdict = gate.passed
    ? html`<p id="gate" class="green">✓ Gate green: the outputs of this run were within the bound of a float64 reference (largest error ${gate.maxError.toExponential(1)}), and the pairs that the kernels counted are those of the plan.</p>`
    : html`<p id="gate" class="red">✗ Gate red: ${gate.complaints.join('; ')}.</p>`;
  return html`${sparse && headline(sparse)}
${verdict}
${isSoftware && html`<p class="caution" id="software">This adapter is software: it computes on the CPU. The ratio holds here; the times say nothing about a GPU.</p>`}
${table(
  'Forward pass; pairs of one head',
  [
    { heading: 'Quantity', cell: ([name]) => name },
    ...rows.map((row) => ({
      heading: row.strategy === 'none' ? 'Dense' : `Sparse (${row.strategy})`,
      cell: ([, value]: Quantity) => value(row),
    })),
  ],
  QUANTITIES,
)}
<p class="quiet">Adapter: ${adapter}. Planning is done once a batch, on the CPU, and is not part of the times.</p>`;
}
