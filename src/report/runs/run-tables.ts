import type { Settings } from '../../train/experiment/experiment.js';
import { type ComparisonRow, LEAST_SEEDS, measureText, verdictOf } from '../../train/experiment/verdict.js';
import { type Column, type Html, html, table } from '../page/html.js';
import { NOTHING, orNothing, percent } from '../page/numbers.js';
import { bestAccuracy, densityOf, devCurve, lastAccuracy } from './curves.js';
import { type Condition, divergedAt, type Run } from './run.js';
import { accuracy, interval, signed } from './run-format.js';
import type { RunGroup } from './run-groups.js';

function orDash(text: string): string {
  return text === '' ? NOTHING : text;
}

function bestSteps(runs: readonly Run[]): string {
  const steps = runs.map(({ best }) => best?.step);
  return steps.map((step) => step ?? NOTHING).join(', ');
}

/** The numbers of the first figures. */
export function conditionTable(conditions: readonly Condition[]): Html {
  const columns: Column<Condition>[] = [
    { heading: 'Condition', cell: ({ name }) => name },
    { heading: 'Pairs', cell: ({ runs }) => orNothing(densityOf(runs) ?? null, percent) },
    { heading: 'Joined', cell: ({ runs }) => orNothing(densityOf(runs, 'closure') ?? null, percent) },
    { heading: 'Seeds', cell: ({ runs }) => runs.length },
    { heading: 'Best dev accuracy', cell: ({ runs }) => accuracy(bestAccuracy(runs).value) },
    { heading: '95 % interval', cell: ({ runs }) => orDash(interval(bestAccuracy(runs))) },
    { heading: 'At step', cell: ({ runs }) => bestSteps(runs) },
    { heading: 'At the end', cell: ({ runs }) => accuracy(lastAccuracy(runs).value) },
    { heading: '95 % interval', cell: ({ runs }) => orDash(interval(lastAccuracy(runs))) },
  ];
  return table('Dev accuracy: means over seeds, Student’s intervals', columns, conditions);
}

/** A difference of accuracies, or a ratio of steps. */
function sizeText({ measured }: ComparisonRow): (value: number) => string {
  return measured === 'steps' ? (value) => `×${Math.exp(value).toFixed(2)}` : signed;
}

/** The comparisons, with verdicts on those that are confirmatory. */
export function comparisonTable({ comparisons, until }: Pick<RunGroup, 'comparisons' | 'until'>): Html | '' {
  if (comparisons.length === 0) return '';
  return table(
    `Differences over the same seeds; p of a paired t test and of a sign-flip test, the larger corrected after Holm for all confirmatory comparisons of the experiment; fewer than ${LEAST_SEEDS} seeds are not tested`,
    [
      { heading: 'Difference', cell: ({ treatment, baseline }) => `${treatment} − ${baseline}` },
      { heading: 'Of', cell: (row) => measureText(row, until) },
      { heading: 'Seeds', cell: ({ seeds }) => seeds },
      { heading: 'Size', cell: (row) => sizeText(row)(row.difference.value) },
      { heading: '95 % interval', cell: (row) => orDash(interval(row.difference, '', '', sizeText(row))) },
      { heading: 'p (t)', cell: ({ student }) => accuracy(student) },
      { heading: 'p (signs)', cell: ({ signFlip }) => accuracy(signFlip) },
      { heading: 'p, corrected', cell: ({ corrected }) => accuracy(corrected) },
      { heading: 'Verdict', cell: verdictOf },
    ],
    comparisons,
  );
}

/** The numbers of the curves on dev, step by step. */
export function curveTable(conditions: readonly Condition[]): Html {
  const rows = conditions.flatMap(({ name, runs }) => {
    const losses = new Map(devCurve(runs, 'loss').map((point) => [point.step, point]));
    return devCurve(runs, 'accuracy').map((point) => ({ name, point, loss: losses.get(point.step) }));
  });
  return table(
    'Dev accuracy and dev loss at every evaluation',
    [
      { heading: 'Condition', cell: ({ name }) => name },
      { heading: 'Step', cell: ({ point }) => point.step },
      { heading: 'Seeds', cell: ({ point }) => point.seeds },
      { heading: 'Dev accuracy', cell: ({ point }) => accuracy(point.value) },
      { heading: '95 % interval', cell: ({ point }) => orDash(interval(point)) },
      { heading: 'Dev loss', cell: ({ loss }) => (loss ? accuracy(loss.value) : 'no number') },
      { heading: '95 % interval', cell: ({ loss }) => (loss ? orDash(interval(loss)) : NOTHING) },
    ],
    rows,
  );
}

/** A table of all runs. */
export function runTable(conditions: readonly Condition[]): Html {
  const rows = conditions.flatMap(({ name, runs }) => runs.map((run) => ({ name, run })));
  const state = (run: Run) => {
    const step = divergedAt(run);
    if (step !== undefined) return `diverged: the loss is not a number at step ${step}`;
    return run.isFinished ? 'finished' : 'unfinished';
  };
  return table(
    'Every run',
    [
      { heading: 'Run', cell: ({ run }) => run.name },
      { heading: 'Condition', cell: ({ name }) => name },
      { heading: 'Seed', cell: ({ run }) => run.seed },
      { heading: 'Evaluations', cell: ({ run }) => run.evaluations.length },
      { heading: 'Best dev accuracy', cell: ({ run }) => (run.best ? accuracy(run.best.accuracy) : NOTHING) },
      { heading: 'State', cell: ({ run }) => state(run) },
    ],
    rows,
    'words',
  );
}

function settingText(value: Settings[string] | undefined): string {
  return value === undefined ? NOTHING : `${value}`;
}

/** Settings that all runs share, and those in which conditions differ. */
export function settingsTables(conditions: readonly Condition[]): Html {
  const all = conditions.flatMap(({ runs }) => runs.map(({ settings }) => settings));
  const names = [...new Set(all.flatMap((settings) => Object.keys(settings)))].filter(
    (name) => name !== 'seed',
  );
  const isShared = (name: string) => all.every((settings) => settings[name] === all[0][name]);
  const differing = names.filter((name) => !isShared(name));
  const shared = names.filter(isShared);
  const rows = shared.map(
    (name) => html`<tr><th scope="row">${name}</th><td>${settingText(all[0][name])}</td></tr>\n`,
  );
  const columns: Column<Condition>[] = [
    { heading: 'Condition', cell: ({ name }) => name },
    ...differing.map((name) => ({
      heading: name,
      cell: ({ runs }: Condition) =>
        [...new Set(runs.map(({ settings }) => settingText(settings[name])))].join(', '),
    })),
    { heading: 'seeds', cell: ({ runs }) => runs.map(({ seed }) => seed).join(', ') },
  ];
  return html`${table('In what the conditions differ', columns, conditions, 'words')}
<table class="wrapping"><caption>Settings of all runs</caption><tbody>${rows}</tbody></table>`;
}
