import { adapterName } from '../../src/gpu/adapter-name.js';
import { type Html, html, table } from '../../src/report/page/html.js';
import { capital, NOTHING, orNothing, percent, short, times, whole } from '../../src/report/page/numbers.js';
import { figure } from '../../src/report/page/plot-frame.js';
import type { Section } from '../../src/report/page/sections.js';
import { amdahl, type StepReport, type StepRow } from '../step-bench.js';
import { isAttentionImpossible, isStepImpossible } from '../suspicions.js';
import { amdahlFigure, stepBar, withFreeAttention } from './amdahl-bar.js';
import { gateText, refusal, suspicionFact } from './bench-headline.js';
import { environmentSection } from './page-tables.js';

/** Added to figures above their bound. */
const UNTRUSTED = ', not to be trusted';

/** The rows of one batch, the dense step first where it was measured. */
interface StepBatch {
  name: string;
  rows: StepRow[];
  dense: StepRow | undefined;
}

function batchesOf({ rows }: StepReport): StepBatch[] {
  const names = [...new Set(rows.map(nameOf))];
  return names.map((name) => {
    const own = rows.filter((row) => nameOf(row) === name);
    const dense = own.find(({ strategy }) => strategy === 'none');
    return { name, rows: dense ? [dense, ...own.filter((row) => row !== dense)] : own, dense };
  });
}

function nameOf({ batch, length }: StepRow): string {
  return `${batch} x ${length} pieces`;
}

/** The share of a step that is attention. */
function attentionShare({ attentionMs, medianMs }: StepRow): number {
  return attentionMs / medianMs;
}

/** What a dense step would gain if attention took no time at all. */
function mostToGain(dense: StepRow): number {
  return amdahl(attentionShare(dense), Number.POSITIVE_INFINITY);
}

/** The strategy with the largest speed-up of the whole step. */
function fastest({ rows }: StepBatch): StepRow | undefined {
  const sparse = rows.filter(
    (row) => row.strategy !== 'none' && row.realisedSpeedup !== null && !isStepImpossible(row),
  );
  return sparse.sort((one, other) => other.realisedSpeedup! - one.realisedSpeedup!)[0];
}

function claim(batch: StepBatch, dense: StepRow): string {
  const row = fastest(batch);
  const gain = row ? `; ${row.strategy} makes it ${times(row.realisedSpeedup!)}` : '';
  return `Of a dense training step of ${batch.name}, ${percent(attentionShare(dense))} is attention: if it were free, the step would be ${times(mostToGain(dense))} as fast${gain}`;
}

function findingOf(report: StepReport, batches: readonly StepBatch[]): Pick<Section, 'finding' | 'lead'> {
  if (!report.gate.passed) return refusal(report.gate);
  const known = batches.flatMap((batch) => (batch.dense ? [{ batch, dense: batch.dense }] : []));
  if (known.length === 0) {
    return {
      finding: 'No dense training step was measured',
      lead: html`Without one there is nothing to hold the others against: measure strategy none, too.`,
    };
  }
  const [main] = known.sort((one, other) => attentionShare(other.dense) - attentionShare(one.dense));
  const rest = known
    .slice(1)
    .map(
      ({ batch, dense }) =>
        html` Of ${batch.name} it is ${percent(attentionShare(dense))}: at most ${times(mostToGain(dense))}.`,
    );
  return {
    finding: claim(main.batch, main.dense),
    lead: html`No attention, however fast, can speed a step up more than that.${rest}`,
  };
}

function figuresOf(report: StepReport, batches: readonly StepBatch[], id: string): Html | '' {
  if (!report.gate.passed) return '';
  const onAdapter = report.environment.software ? ', software adapter' : '';
  const figures = batches.flatMap(({ name, rows, dense }, at) => {
    if (!dense) return [];
    const bars = rows.map((row) => stepBar(row.strategy, row.medianMs, row.kernelsMs, row.attentionMs));
    const title = `${capital(name)}: attention is ${percent(attentionShare(dense))} of the dense step`;
    return [figure(amdahlFigure(title, [...bars, withFreeAttention(bars[0])], onAdapter), `${id}-${at}`)];
  });
  return html`<div class="figures">
${figures}</div>`;
}

function interval({ ratioLow, ratioHigh }: StepRow): string {
  return ratioLow === null || ratioHigh === null
    ? NOTHING
    : `${times(1 / ratioHigh)} to ${times(1 / ratioLow)}`;
}

function stepTable({ rows, gate, environment }: StepReport): Html {
  const software = environment.software ? ' (software)' : '';
  const own = [
    { heading: 'Batch', cell: nameOf },
    { heading: 'Strategy', cell: ({ strategy }: StepRow) => strategy },
    { heading: `Step, ms${software}`, cell: ({ medianMs }: StepRow) => short(medianMs) },
    {
      heading: `Tokens a second${software}`,
      cell: ({ tokensPerSecond }: StepRow) => whole(Math.round(tokensPerSecond)),
    },
    { heading: `All kernels, ms${software}`, cell: ({ kernelsMs }: StepRow) => short(kernelsMs) },
    { heading: `Attention, ms${software}`, cell: ({ attentionMs }: StepRow) => short(attentionMs) },
    { heading: 'Attention’s share', cell: (row: StepRow) => percent(attentionShare(row)) },
  ];
  const compared = [
    {
      heading: 'Attention alone, speed-up',
      cell: (row: StepRow) =>
        `${orNothing(row.attentionSpeedup, times)}${isAttentionImpossible(row) ? UNTRUSTED : ''}`,
    },
    {
      heading: 'Amdahl predicts',
      cell: (row: StepRow) => (isAttentionImpossible(row) ? NOTHING : orNothing(row.predictedSpeedup, times)),
    },
    {
      heading: 'With ideal attention',
      cell: ({ predictedFromIdeal }: StepRow) => orNothing(predictedFromIdeal, times),
    },
    {
      heading: 'With free attention',
      cell: (row: StepRow) => (row.strategy === 'none' ? times(mostToGain(row)) : NOTHING),
    },
    {
      heading: 'Measured step',
      cell: (row: StepRow) =>
        `${orNothing(row.realisedSpeedup, times)}${isStepImpossible(row) ? UNTRUSTED : ''}`,
    },
    { heading: '99 % interval', cell: interval },
  ];
  return table('Training steps', gate.passed ? [...own, ...compared] : own, rows);
}

/** The section of `bench step`: what a whole training step gains from its attention. @param id Tells its figures from others'. */
export function stepSection(report: StepReport, id: string): Section {
  const batches = batchesOf(report);
  const { environment, gate, settings } = report;
  return {
    title: `Training steps, ${environment.date.slice(0, 10)}`,
    ...findingOf(report, batches),
    facts: [
      ['Adapter', `${environment.software ? 'software adapter: ' : ''}${adapterName(environment.adapter)}`],
      ['Correctness gate', gateText(gate)],
      [
        'How measured',
        `${settings.repeats} timed steps of each, in turns${report.interrupted ? '; interrupted: what was measured by then' : ''}`,
      ],
      ...suspicionFact(report),
    ],
    body: html`${figuresOf(report, batches, id)}
${stepTable(report)}
<h3>Environment and command</h3>
${environmentSection(environment, settings.data)}`,
  };
}
