import { isEquivalent, isShown, measureText, verdictOf } from '../../train/experiment/verdict.js';
import { type Html, html } from '../page/html.js';
import type { Section } from '../page/html-page.js';
import { capital } from '../page/numbers.js';
import { figure } from '../page/plot-frame.js';
import { curveFigures } from './curve-figures.js';
import { bestAccuracy } from './curves.js';
import { BASELINE, type Condition, divergedAt } from './run.js';
import { accuracyFigure, densityFigure } from './run-figures.js';
import { accuracy, hasInterval, interval, seedsText } from './run-format.js';
import { bestCondition, type RunGroup } from './run-groups.js';
import { comparisonTable, conditionTable, curveTable, runTable, settingsTables } from './run-tables.js';
import { hasTest, seedAccuracyFigure, stepsFigure } from './seed-figures.js';
import { sizeFigure } from './size-figure.js';

function best({ runs }: Condition): string {
  const estimate = bestAccuracy(runs);
  return hasInterval(estimate)
    ? `${accuracy(estimate.value)} (95 % interval ${interval(estimate)})`
    : `${accuracy(estimate.value)} (${seedsText(runs)}, no interval)`;
}

function only({ name, runs }: Condition): string {
  const [{ best: evaluation, seed }] = runs;
  const where = runs.length === 1 && evaluation ? ` at step ${evaluation.step}, seed ${seed}` : '';
  return `${name} reaches a dev accuracy of ${accuracy(bestAccuracy(runs).value)}${where}`;
}

/** What the confirmatory comparisons show, each in a few words. */
function shownIn({ comparisons, until }: RunGroup): string[] {
  return comparisons
    .filter((row) => isShown(row) || isEquivalent(row))
    .map((row) => `${row.treatment} against ${row.baseline}: ${verdictOf(row)} (${measureText(row, until)})`);
}

/** The finding of a group of runs, in a sentence. */
function findingOf(group: RunGroup): string {
  const { conditions } = group;
  const first = bestCondition(conditions);
  if (!first) return 'Nothing was evaluated yet';
  if (conditions.length === 1) return only(first);
  const shown = shownIn(group);
  if (shown.length > 0) return shown.join('; ');
  const baseline = conditions.find(({ name }) => name === BASELINE);
  const ofBaseline =
    baseline && baseline !== first
      ? `, full attention (none) ${accuracy(bestAccuracy(baseline.runs).value)}`
      : '';
  return `No difference is shown: the best of ${conditions.length}, ${first.name}, has a dev accuracy of ${accuracy(bestAccuracy(first.runs).value)}${ofBaseline}`;
}

/** The evidence for the finding. */
function leadOf({ conditions, comparisons, description }: RunGroup): Html {
  const first = bestCondition(conditions);
  const baseline = conditions.find(({ name }) => name === BASELINE);
  if (!first) return html`${description}`;
  const ofBaseline = baseline && baseline !== first ? ` ${baselineText(baseline)}` : '';
  const isPlanned = comparisons.some(({ isConfirmatory }) => isConfirmatory);
  const tested = isPlanned
    ? ' The confirmatory comparisons are in the table of differences.'
    : conditions.length > 1
      ? ' Intervals are over seeds; no difference is tested: no comparison is confirmatory.'
      : '';
  return html`Best dev accuracy of ${first.name}: <strong>${best(first)}</strong>.${ofBaseline}${tested}${description ? ` ${description}` : ''}`;
}

function baselineText(baseline: Condition): string {
  return `Of ${baseline.name}: ${best(baseline)}.`;
}

function facts({ conditions, rows, progress, mixture }: RunGroup): Section['facts'] {
  const runs = conditions.flatMap((condition) => condition.runs);
  const unfinished = runs.filter(({ isFinished }) => !isFinished).length;
  const diverged = runs.filter((run) => divergedAt(run) !== undefined).length;
  const counts = conditions.map((condition) => condition.runs.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const seeds = least === most ? `${most}` : `${least} to ${most}`;
  const troubles = [
    ...(unfinished > 0 ? [`${unfinished} unfinished`] : []),
    ...(diverged > 0 ? [`${diverged} diverged`] : []),
  ];
  return [
    [
      'Runs',
      `${runs.length}: conditions ${conditions.length}, seeds of each ${seeds}${troubles.map((text) => `, ${text}`).join('')}`,
    ],
    ...(progress ? [['Grid', progress] as const] : []),
    ['Adapter', [...new Set(runs.map(({ adapter }) => adapter))].join('; ')],
    ...(mixture ? [['Machines', mixture] as const] : []),
    [
      'Data',
      `${rows === undefined ? '' : `${rows.toLocaleString('en-GB')} rows of dev; `}fingerprint ${runs[0].data}`,
    ],
  ];
}

function commands(conditions: readonly Condition[]): Html {
  const distinct = [
    ...new Set(conditions.flatMap(({ runs }) => runs.flatMap(({ command }) => command ?? []))),
  ];
  if (distinct.length === 0) return html`<p>The commands of these runs were not stored.</p>`;
  return html`<p>${distinct.length === 1 ? 'This command repeats' : 'These commands repeat'} the runs:</p>
<pre tabindex="0"><code>${distinct.join('\n')}</code></pre>`;
}

/** The section of a group of runs. @param id Distinguishes its figures from those of other sections. */
export function runSection(group: RunGroup, id: string): Section {
  const { conditions } = group;
  const figures = [
    group.overSizes && sizeFigure(group.overSizes),
    hasTest(conditions) ? seedAccuracyFigure(conditions) : undefined,
    stepsFigure(conditions, group.until),
    accuracyFigure(conditions),
    densityFigure(conditions),
    ...curveFigures(conditions),
  ].filter((one) => one !== undefined);
  return {
    title: group.title,
    finding: capital(findingOf(group)),
    lead: leadOf(group),
    facts: facts(group),
    body: html`<div class="figures">
${figures.map((one, at) => figure(one, `${id}-${at}`))}</div>
${conditionTable(conditions)}
${comparisonTable(group)}
<details><summary>The curves in numbers</summary>${curveTable(conditions)}</details>
<details><summary>Every run</summary>${runTable(conditions)}</details>
<h3>Settings</h3>
${settingsTables(conditions)}
<h3>Commands</h3>
${commands(conditions)}`,
  };
}
