import { adapterName } from '../../src/gpu/adapter.js';
import { type Html, html, table } from '../../src/report/page/html.js';
import type { Section } from '../../src/report/page/html-page.js';
import { capital } from '../../src/report/page/numbers.js';
import type { Environment } from '../environment.js';
import type { GateResult } from '../gate.js';
import { plausibilityWarnings } from '../plausibility.js';
import type { BenchTable } from '../report-table.js';

/** The parts of a report that the section of every benchmark shows. */
interface SectionReport {
  kind: string;
  environment: Environment;
  rows: readonly object[];
  /** A profile has none. */
  gate?: GateResult;
  interrupted?: boolean;
}

interface SectionContent extends Pick<Section, 'finding' | 'lead' | 'body'> {
  /** The date is added. */
  title: string;
  /** The name of the text that was measured. */
  data: string;
  howMeasured?: string;
  /** Whether there was anything to check. */
  isChecked?: boolean;
}

/** The section of a benchmark: findings, or why there are none, then facts, tables and environment. */
export function sectionOf(report: SectionReport, content: SectionContent): Section {
  const { environment, gate, interrupted = false } = report;
  const { title, finding, lead, body, data, howMeasured, isChecked = true } = content;
  const cut = 'The run was interrupted: later measurements are missing';
  const measured = [...(howMeasured ? [howMeasured] : []), ...(interrupted ? [cut] : [])];
  return {
    title: `${title}, ${environment.date.slice(0, 10)}`,
    ...(gate?.passed === false ? refusal(gate) : { finding, lead }),
    facts: [
      ['Adapter', adapterText(environment)],
      ...(gate ? [['Correctness gate', isChecked ? gateText(gate) : 'Nothing was checked'] as const] : []),
      ...(measured.length > 0 ? [['How measured', measured.join('. ')] as const] : []),
      ...warningsFact(report),
    ],
    body: html`${body}
<h3>Environment and command</h3>
${environmentSection(environment, data)}`,
  };
}

function adapterText({ adapter, software }: Environment): Html {
  const name = adapterName(adapter);
  return software
    ? html`<strong>software adapter</strong>: ${name}. Its times say nothing about a GPU; ratios of one run hold.`
    : html`${name}`;
}

/** The warnings about a report's figures, if any. */
function warningsFact(report: SectionReport): (readonly [string, Html])[] {
  const items = plausibilityWarnings(report).map((warning) => html`<li>${capital(warning)}</li>`);
  if (items.length === 0) return [];
  return [['Not to be trusted', html`<ul class="warnings red">${items}</ul>`]];
}

/** Whether results were right, in words and colour. */
function gateText({ passed, maxError }: GateResult): Html {
  return passed
    ? html`<strong class="green">✓ green</strong>: every result was within its error bound of float64 (largest error ${maxError.toExponential(1)})`
    : html`<strong class="red">✗ red</strong>: results were wrong`;
}

/** Replaces the findings where results were wrong. */
function refusal({ complaints }: GateResult): Pick<Section, 'finding' | 'lead'> {
  const items = [...new Set(complaints)].map((complaint) => html`<li>${complaint}</li>`);
  return {
    finding: 'The correctness check is red: no times are compared',
    lead: html`A result that is wrong has no speed. What was found:
<ul class="complaints">${items}</ul>`,
  };
}

/** A benchmark's table as HTML. */
export function htmlTable({ title, columns, rows, alignment, note }: BenchTable): Html {
  const shown = columns.map(({ heading }, at) => ({
    heading: capital(heading),
    cell: (cells: BenchTable['rows'][number]) => cells[at].text,
  }));
  return html`${note ? html`<p>${note}</p>\n` : ''}${table(title, shown, rows, alignment)}\n`;
}

function environmentLines(environment: Environment, data: string): [string, unknown][] {
  const { adapter, dawn, packages, system, clocks, load } = environment;
  const pairs = (record: Record<string, string>) =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const joined = (...parts: (string | false | undefined)[]) => parts.filter(Boolean).join(', ');
  const name = adapterName(adapter);
  return [
    ['Adapter', `${name} (${joined(adapter.kind, adapter.vendor, adapter.architecture)})`],
    ['Driver', name === adapter.description ? '' : adapter.description],
    ['Software adapter', environment.software ? 'yes: it computes on the CPU' : 'no'],
    ['Chosen because', adapter.reason],
    ['Lanes of a subgroup', environment.subgroupLanes ?? 'work is shared through workgroup memory'],
    ['Features', environment.features.join(', ')],
    ['Dawn', `${dawn.package}; toggles: ${dawn.toggles.join(', ') || 'none'}`],
    ['Packages', pairs(packages)],
    [
      'System',
      joined(
        system.platform,
        `Node ${system.node}`,
        system.cpu,
        `${system.cores} cores`,
        `${system.memoryGiB} GiB`,
      ),
    ],
    [
      'Clocks',
      joined(
        Boolean(clocks.cpuMHz) && `CPU ${clocks.cpuMHz} MHz`,
        clocks.gpu && `GPU and its memory ${clocks.gpu}`,
      ),
    ],
    // Windows has no load averages: they are 0.
    ['Load', load.some((average) => average > 0) ? load.join(', ') : ''],
    ['Hash of the kernels', environment.kernelHash],
    ['Hashes of the rules', pairs(environment.ruleHashes)],
    ['Data', data],
    ['Seed', environment.seed],
    ['Date', environment.date],
  ];
}

/** The environment, the text, and the command that repeats the run. */
function environmentSection(environment: Environment, data: string): Html {
  const lines = environmentLines(environment, data).filter(([, value]) => value !== '');
  const rows = lines.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`);
  return html`<p>This command repeats the run:</p>
<pre tabindex="0"><code>${environment.command}</code></pre>
<table class="wrapping"><caption>Environment at the start</caption><tbody>${rows}</tbody></table>`;
}
