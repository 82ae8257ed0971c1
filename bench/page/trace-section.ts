import { html } from '../../src/report/page/html.js';
import type { Section } from '../../src/report/page/html-page.js';
import { percent, times } from '../../src/report/page/numbers.js';
import { figure } from '../../src/report/page/plot-frame.js';
import type { Environment } from '../environment.js';
import { mostToGain } from '../step-bench.js';
import { costsTable } from '../tables.js';
import { costliest, type TraceEvent } from '../trace.js';
import { amdahlFigure, stepBar, wholeOf } from './amdahl-bar.js';
import { htmlTable, sectionOf } from './section-parts.js';

/** The file that `parsimony profile` writes. */
export interface TraceFile {
  traceEvents: readonly TraceEvent[];
  otherData: Environment;
}

/** The stage before training, which is not part of a step. */
const BEFORE_THE_STEP = 'tag';

/** The section of a profile: the share of attention in the recorded steps. @param id Distinguishes its figure. */
export function traceSection({ traceEvents, otherData: environment }: TraceFile, id: string): Section {
  const steps = new Set(traceEvents.flatMap(({ args }) => args.step ?? [])).size;
  const costs = costliest(traceEvents);
  const sum = (values: readonly { ms: number }[]) => values.reduce((total, { ms }) => total + ms, 0);
  const stages = traceEvents
    .filter(({ cat, name }) => cat === 'cpu' && name !== BEFORE_THE_STEP)
    .map(({ dur }) => ({ ms: (dur ?? 0) / 1000 / steps }));
  const attention = costs.filter(({ kernel }) => kernel.startsWith('attention/'));
  const bar = stepBar('profiled step', sum(stages), sum(costs), sum(attention));
  const share = bar.attentionMs / wholeOf(bar);
  const title = `Attention is ${percent(share)} of a profiled step`;
  const onAdapter = environment.software ? ', software adapter' : '';
  const report = { kind: 'profile', environment, rows: [] };
  return sectionOf(report, {
    title: 'Profile',
    finding: `Of a profiled training step, ${percent(share)} is attention: if it were free, the step would be ${times(mostToGain(share))} as fast`,
    lead: html`A profile gives each kernel its own pass, which costs time. <code>bench step</code> measures steps without it.`,
    howMeasured: `${steps} steps`,
    body: html`<div class="figures">
${figure(amdahlFigure(title, [bar], onAdapter), `${id}-bar`)}</div>
${htmlTable(costsTable(report, 'Kernels, costliest first', costs))}`,
    data: 'as the command names them',
  });
}
