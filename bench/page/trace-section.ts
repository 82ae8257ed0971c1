import { adapterName } from '../../src/gpu/adapter-name.js';
import { html, table } from '../../src/report/page/html.js';
import { percent, short, times } from '../../src/report/page/numbers.js';
import { figure } from '../../src/report/page/plot-frame.js';
import type { Section } from '../../src/report/page/sections.js';
import type { Environment } from '../environment.js';
import { amdahl } from '../step-bench.js';
import type { TraceEvent } from '../trace.js';
import { amdahlFigure, stepBar, wholeOf } from './amdahl-bar.js';
import { environmentSection } from './page-tables.js';

/** The file that `parsimony profile` writes. */
export interface TraceFile {
  traceEvents: readonly TraceEvent[];
  otherData: Environment;
}

/** Tagging is done once, before training, and is not part of a step. */
const BEFORE_THE_STEP = 'tag';

/** Milliseconds a step of the events that are meant. */
function msOf(events: readonly TraceEvent[], steps: number): number {
  return events.reduce((sum, { dur }) => sum + (dur ?? 0), 0) / 1000 / steps;
}

/** The section of a profile: the share of attention in the steps that were recorded. @param id Tells its figure from others'. */
export function traceSection({ traceEvents, otherData }: TraceFile, id: string): Section {
  const steps = new Set(traceEvents.flatMap(({ args }) => args.step ?? [])).size;
  const kernels = traceEvents.filter(({ cat }) => cat === 'kernel');
  const stages = traceEvents.filter(({ cat, name }) => cat === 'cpu' && name !== BEFORE_THE_STEP);
  const attention = kernels.filter(({ name }) => name.startsWith('attention/'));
  const bar = stepBar('profiled step', msOf(stages, steps), msOf(kernels, steps), msOf(attention, steps));
  const share = bar.attentionMs / wholeOf(bar);
  const onAdapter = otherData.software ? ', software adapter' : '';
  const names = [...new Set(kernels.map(({ name }) => name))];
  const costs = names
    .map((name) => ({
      name,
      ms: msOf(
        kernels.filter((event) => event.name === name),
        steps,
      ),
    }))
    .sort((one, other) => other.ms - one.ms);
  const finding = `Of a profiled training step, ${percent(share)} is attention: if it were free, the step would be ${times(amdahl(share, Number.POSITIVE_INFINITY))} as fast`;
  return {
    title: `Profile, ${otherData.date.slice(0, 10)}`,
    finding,
    lead: html`While it is profiled, each kernel has a pass of its own, which costs time: <code>bench step</code> measures steps as they are.`,
    facts: [
      ['Adapter', `${otherData.software ? 'software adapter: ' : ''}${adapterName(otherData.adapter)}`],
      ['Steps', `${steps}`],
    ],
    body: html`<div class="figures">
${figure(amdahlFigure(`Attention is ${percent(share)} of a profiled step`, [bar], onAdapter), `${id}-bar`)}</div>
${table(
  'Kernels, costliest first',
  [
    { heading: 'Kernel', cell: ({ name }) => name },
    { heading: `Time a step, ms${otherData.software ? ' (software)' : ''}`, cell: ({ ms }) => short(ms) },
    { heading: 'Of all kernels', cell: ({ ms }) => percent(ms / (bar.attentionMs + bar.kernelsMs)) },
  ],
  costs,
)}
<h3>Environment and command</h3>
${environmentSection(otherData, 'as the command names them')}`,
  };
}
