import { type Html, html } from '../../src/report/page/html.js';
import type { Section } from '../../src/report/page/html-page.js';
import { capital, percent, times } from '../../src/report/page/numbers.js';
import { figure } from '../../src/report/page/plot-frame.js';
import { isStepImpossible } from '../plausibility.js';
import { mostToGain, type StepReport, type StepRow } from '../step-bench.js';
import { attentionShare, batchName, stepTable } from '../tables.js';
import { amdahlFigure, stepBar, withFreeAttention } from './amdahl-bar.js';
import { htmlTable, sectionOf } from './section-parts.js';

/** The rows of one batch, the dense step first where it was measured. */
interface StepBatch {
  name: string;
  rows: StepRow[];
  dense: StepRow | undefined;
}

function batchesOf({ rows }: StepReport): StepBatch[] {
  const names = [...new Set(rows.map(batchName))];
  return names.map((name) => {
    const ofBatch = rows.filter((row) => batchName(row) === name);
    const dense = ofBatch.find(({ strategy }) => strategy === 'none');
    return { name, rows: dense ? [dense, ...ofBatch.filter((row) => row !== dense)] : ofBatch, dense };
  });
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
  return `Of a dense training step of ${batch.name}, ${percent(attentionShare(dense))} is attention: if it were free, the step would be ${times(mostToGain(attentionShare(dense)))} as fast${gain}`;
}

function findingOf(batches: readonly StepBatch[]): Pick<Section, 'finding' | 'lead'> {
  const withDense = batches.flatMap((batch) => (batch.dense ? [{ batch, dense: batch.dense }] : []));
  if (withDense.length === 0) {
    return {
      finding: 'No dense training step was measured',
      lead: html`The other strategies are compared with it: measure strategy none, too.`,
    };
  }
  const [main] = withDense.sort((one, other) => attentionShare(other.dense) - attentionShare(one.dense));
  const rest = withDense
    .slice(1)
    .map(
      ({ batch, dense }) =>
        html` Of ${batch.name} it is ${percent(attentionShare(dense))}: at most ${times(mostToGain(attentionShare(dense)))}.`,
    );
  return {
    finding: claim(main.batch, main.dense),
    lead: html`No attention can make the step faster than that.${rest}`,
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

/** The section of `bench step`: what a training step gains from a faster attention. @param id Distinguishes its figures. */
export function stepSection(report: StepReport, id: string): Section {
  const batches = batchesOf(report);
  return sectionOf(report, {
    title: 'Training steps',
    ...findingOf(batches),
    howMeasured: `${report.settings.repeats} timed steps of each, in turns`,
    body: html`${figuresOf(report, batches, id)}
${htmlTable(stepTable(report))}`,
    data: report.settings.data,
  });
}
