import type { ComparisonRow } from '../../train/experiment/table.js';
import { isShown, verdictOf } from '../../train/experiment/verdict.js';
import { type Html, html } from '../page/html.js';
import { capital } from '../page/numbers.js';
import { figure } from '../page/plot-frame.js';
import type { Section } from '../page/sections.js';
import { curveFigures } from './curve-figures.js';
import { bestAccuracy } from './curves.js';
import { type Contender, divergedAt, YARDSTICK } from './run.js';
import { accuracyFigure, densityFigure } from './run-figures.js';
import { accuracy, interval, isKnown, seedsText, signed } from './run-format.js';
import { bestContender, type RunGroup } from './run-groups.js';
import { comparisonTable, contenderTable, curveTable, runTable, settingsTables } from './run-tables.js';

function best({ runs }: Contender): string {
  const estimate = bestAccuracy(runs);
  return isKnown(estimate)
    ? `${accuracy(estimate.value)} (95 % interval ${interval(estimate)})`
    : `${accuracy(estimate.value)} (${seedsText(runs)}, no interval)`;
}

function only({ name, runs }: Contender): string {
  const [{ best: reading, seed }] = runs;
  const where = runs.length === 1 && reading ? ` at step ${reading.step}, seed ${seed}` : '';
  return `${name} reaches a dev accuracy of ${accuracy(bestAccuracy(runs).value)}${where}`;
}

/** The sentence that a group of runs comes to. */
function findingOf({ contenders, lead }: RunGroup): string {
  const first = bestContender(contenders);
  if (!first) return 'Nothing was evaluated yet';
  const yardstick = contenders.find(({ name }) => name === YARDSTICK);
  if (contenders.length === 1) return only(first);
  if (!yardstick)
    return `${first.name} has the best dev accuracy of ${contenders.length}: ${accuracy(bestAccuracy(first.runs).value)}`;
  if (first === yardstick)
    return `No contender has a higher dev accuracy than full attention (none), ${accuracy(bestAccuracy(first.runs).value)}`;
  if (lead && isShown(lead))
    return `${first.name} does better than full attention (none): ${signed(lead.difference.value)} of dev accuracy`;
  return `No difference is shown: the best of ${contenders.length}, ${first.name}, has a dev accuracy of ${accuracy(bestAccuracy(first.runs).value)}, full attention (none) ${accuracy(bestAccuracy(yardstick.runs).value)}`;
}

/** What the sentence rests on. */
function leadOf({ contenders, lead, description }: RunGroup): Html {
  const first = bestContender(contenders);
  const yardstick = contenders.find(({ name }) => name === YARDSTICK);
  if (!first) return html`${description}`;
  const against = yardstick && yardstick !== first ? ` ${yardstickText(yardstick)}` : '';
  const tested = lead
    ? ` ${differenceText(lead)}`
    : contenders.length > 1
      ? ' Intervals are over seeds; the difference is not tested.'
      : '';
  return html`Best dev accuracy of ${first.name}: <strong>${best(first)}</strong>.${against}${tested}${description ? ` ${description}` : ''}`;
}

function differenceText(lead: ComparisonRow): string {
  const { difference, corrected } = lead;
  const between = interval(difference, ' (95 % interval over seeds ', ')', signed);
  const test = Number.isNaN(corrected)
    ? verdictOf(lead)
    : `p = ${corrected.toFixed(4)}, of a test paired by seed, corrected for the choice of the best`;
  return `The difference is ${signed(difference.value)}${between}; ${test}.`;
}

function yardstickText(yardstick: Contender): string {
  return `Of ${yardstick.name}: ${best(yardstick)}.`;
}

function facts({ contenders, rows }: RunGroup): Section['facts'] {
  const runs = contenders.flatMap((contender) => contender.runs);
  const unfinished = runs.filter(({ isFinished }) => !isFinished).length;
  const diverged = runs.filter((run) => divergedAt(run) !== undefined).length;
  const counts = contenders.map((contender) => contender.runs.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const seeds = least === most ? `${most}` : `${least} to ${most}`;
  const troubles = [
    ...(unfinished > 0 ? [`${unfinished} unfinished`] : []),
    ...(diverged > 0 ? [`${diverged} diverged`] : []),
  ];
  return [
    [
      'Runs',
      `${runs.length}: contenders ${contenders.length}, seeds of each ${seeds}${troubles.map((text) => `, ${text}`).join('')}`,
    ],
    ['Adapter', [...new Set(runs.map(({ adapter }) => adapter))].join('; ')],
    [
      'Data',
      `${rows === undefined ? '' : `${rows.toLocaleString('en-GB')} rows of dev; `}fingerprint ${runs[0].data}`,
    ],
  ];
}

function commands(contenders: readonly Contender[]): Html {
  const known = [...new Set(contenders.flatMap(({ runs }) => runs.flatMap(({ command }) => command ?? [])))];
  if (known.length === 0) return html`<p>What was typed for these runs was not kept.</p>`;
  return html`<p>Repeats ${known.length === 1 ? 'them' : 'each'}:</p>
<pre tabindex="0"><code>${known.join('\n')}</code></pre>`;
}

/** The section of some runs that were trained on the same data. @param id Tells its figures from those of other sections. */
export function runSection(group: RunGroup, id: string): Section {
  const { contenders } = group;
  const figures = [accuracyFigure(contenders), densityFigure(contenders), ...curveFigures(contenders)].filter(
    (one) => one !== undefined,
  );
  return {
    title: group.title,
    finding: capital(findingOf(group)),
    lead: leadOf(group),
    facts: facts(group),
    body: html`<div class="figures">
${figures.map((one, at) => figure(one, `${id}-${at}`))}</div>
${contenderTable(contenders)}
${comparisonTable(group.comparisons)}
<details><summary>The curves in numbers</summary>${curveTable(contenders)}</details>
<details><summary>Every run</summary>${runTable(contenders)}</details>
<h3>Settings</h3>
${settingsTables(contenders)}
<h3>Commands</h3>
${commands(contenders)}`,
  };
}
