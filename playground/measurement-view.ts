import type { AttentionRow } from '../bench/attention-row.js';
import { CONFIDENCE } from '../bench/statistics.js';
import { type Html, html, table } from '../src/report/page/html.js';
import { orNothing, percent, short, times, whole } from '../src/report/page/numbers.js';
import type { MeasureAnswer } from './measure-protocol.js';

type Done = Extract<MeasureAnswer, { kind: 'done' }>;

const INTERVAL = `${100 * CONFIDENCE} % interval`;

function speed(ratio: number): string {
  return ratio >= 1 ? `${times(ratio)} faster` : `${times(1 / ratio)} slower`;
}

function headline({ strategy, length, realisedSpeedup, ratioLow, ratioHigh, ...row }: AttentionRow): Html {
  if (realisedSpeedup === null || ratioLow === null || ratioHigh === null) {
    return html`<h3>No speed-up is shown: the results were wrong</h3>`;
  }
  const between = `${times(1 / ratioHigh)} to ${times(1 / ratioLow)}`;
  return html`<h3 id="speed-up">At ${whole(length)} pieces, ${strategy} attention was ${speed(realisedSpeedup)} than dense</h3>
<p>${INTERVAL} of the speed-up: ${between}. The rules allow ${times(row.idealSpeedup)} at most; ${percent(row.realisedFraction ?? 0)} of that was reached.</p>`;
}

/** What was measured: the point, whether it can be believed, and the work counted three ways. */
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
  'Dense against sparse attention, forward pass; pairs of one head',
  [
    { heading: 'Strategy', cell: ({ strategy }) => strategy },
    { heading: `Median of ${sparse?.repeats ?? 0} turns, ms`, cell: ({ medianMs }) => short(medianMs) },
    { heading: 'Dense pairs', cell: ({ densePairs }) => whole(densePairs) },
    { heading: 'Useful pairs', cell: ({ usefulPairs }) => whole(usefulPairs) },
    { heading: 'Executed pairs', cell: ({ executedPairs }) => whole(executedPairs) },
    { heading: 'Density', cell: ({ density }) => percent(density) },
    { heading: 'Waste: executed / useful', cell: ({ waste }) => waste.toFixed(2) },
    { heading: 'Ideal speed-up', cell: ({ idealSpeedup }) => times(idealSpeedup) },
    { heading: 'Realised', cell: ({ realisedSpeedup }) => orNothing(realisedSpeedup, times) },
    { heading: 'Realised / ideal', cell: ({ realisedFraction }) => orNothing(realisedFraction, percent) },
    { heading: 'Planning, ms', cell: ({ planMs }) => planMs.toFixed(1) },
  ],
  rows,
)}
<p class="quiet">Adapter: ${adapter}. Planning is done once a batch, on the CPU, and is not part of the times.</p>`;
}
