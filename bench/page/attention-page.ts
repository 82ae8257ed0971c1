import { type Html, html } from '../../src/report/page/html.js';
import { page } from '../../src/report/page/html-page.js';
import { capital } from '../../src/report/page/numbers.js';
import { figure } from '../../src/report/page/plot-frame.js';
import { pointOf, type Section } from '../../src/report/page/sections.js';
import type { AttentionReport } from '../attention-bench.js';
import type { Pass } from '../attention-settings.js';
import { findingOf, verdicts } from './bench-headline.js';
import { breakEvenPlot } from './break-even-plot.js';
import { fractionPlot, type PassRows, passRows, ratePlot, speedupPlot, timePlot } from './length-plots.js';
import { breakEvenTable, environmentSection, preparationTable, rowTables } from './page-tables.js';
import { type Peaks, rooflinePlot } from './roofline-plot.js';
import { isShown, passName } from './row-format.js';
import { passesOf, type Shape, shapesOf } from './series.js';

/** A report to be shown; with the adapter's peaks, rates are shown under its roof. */
export type PageReport = AttentionReport & { peaks?: Peaks };

/** Beyond this many characters of plots, further shapes are left to the table: the page stays under a megabyte. */
const PLOT_BUDGET = 450_000;

/** The page of `bench attention --html`: one file that needs neither a network nor a script. */
export function attentionPage(report: PageReport): string {
  const shapes = shapesOf(report);
  return page({
    title: `Sparse against dense attention, ${report.environment.date.slice(0, 10)}`,
    eyebrow: 'Parsimony: sparse against dense attention',
    header: pointOf(findingOf(report, shapes)),
    main: html`${isComparable(report, shapes) ? comparisons(report, shapes) : ''}
<h2>All rows</h2>
${shapes.length > 0 ? rowTables(shapes, report) : html`<p>None.</p>`}
<h2>Before the kernels</h2>
${preparationTable(report)}
<h2>Environment</h2>
${environmentSection(report.environment, report.settings.data)}`,
  });
}

function isComparable({ gate }: PageReport, shapes: readonly Shape[]): boolean {
  return gate.passed && shapes.length > 0;
}

/** The same as part of a page: speed-up against length first, the rest folded after it. @param id Tells its figures from others'. */
export function attentionSection(report: PageReport, id: string): Section {
  const shapes = shapesOf(report);
  return {
    title: `Attention, ${report.environment.date.slice(0, 10)}`,
    ...findingOf(report, shapes),
    body: html`${isComparable(report, shapes) ? speedups(report, shapes, id) : ''}
<details><summary>All rows</summary>
${shapes.length > 0 ? rowTables(shapes, report) : html`<p>None.</p>`}
${preparationTable(report)}</details>
<h3>Environment and command</h3>
${environmentSection(report.environment, report.settings.data)}`,
  };
}

function speedups(report: PageReport, shapes: readonly Shape[], id: string): Html {
  const [first] = shapes;
  const figures = passesOf(first.rows).flatMap((pass) => {
    const rows = shownRows(first, pass);
    if (rows.every(({ row }) => row.strategy === 'none')) return [];
    return [speedupPlot(passRows(rows, report.environment.software))];
  });
  return html`<div class="figures">
${figures.map((one, at) => figure(one, `${id}-speed-up-${at}`))}</div>
${verdicts(first)}
<details><summary>Times, rates and break-even points</summary>
${plots(report, shapes, id)}
${report.breakEven.length > 0 ? breakEvenTable(report) : ''}</details>`;
}

function comparisons(report: PageReport, shapes: readonly Shape[]): Html {
  return html`<h2>Every strategy at the longest length</h2>
${verdicts(shapes[0])}
<h2>Over length and density</h2>
${plots(report, shapes, 'shape')}
${report.breakEven.length > 0 ? html`<h2>From where on it pays</h2>${breakEvenTable(report)}` : ''}`;
}

function shownRows(shape: Shape, pass: Pass): PassRows['rows'] {
  return shape.rows.flatMap(({ row, series }) =>
    row.pass === pass && isShown(row) ? [{ row, series }] : [],
  );
}

function plots(report: PageReport, shapes: readonly Shape[], id: string): Html {
  const shown: Html[] = [];
  let size = 0;
  for (const [at, shape] of shapes.entries()) {
    const figures = shapePlots(report, shape, `${id}-${at}`);
    size += figures.text.length;
    if (size > PLOT_BUDGET && at > 0) break;
    shown.push(
      at === 0
        ? html`<p>${capital(shape.title)}.</p>${figures}`
        : html`<details><summary>${capital(shape.title)}</summary>${figures}</details>`,
    );
  }
  const left = shapes.length - shown.length;
  return html`${shown}${left > 0 ? html`<p>${left} more shapes are in the table alone.</p>` : ''}`;
}

function shapePlots(report: PageReport, shape: Shape, id: string): Html {
  return html`${passesOf(shape.rows).map((pass) => {
    const rows = shownRows(shape, pass);
    if (rows.length === 0) return '';
    const figures = figuresOf(report, passRows(rows, report.environment.software));
    return html`<h3>${capital(passName(pass))}</h3>
<div class="figures">
${figures.map((one, at) => figure(one, `${id}-${pass.replace('+', '-')}-${at}`))}</div>
`;
  })}`;
}

function figuresOf({ peaks, breakEven }: PageReport, pass: PassRows) {
  const rates = peaks ? rooflinePlot(pass, peaks) : ratePlot(pass);
  const isSparse = pass.rows.some(({ row }) => row.strategy !== 'none');
  if (!isSparse) return [timePlot(pass), rates];
  return [timePlot(pass), fractionPlot(pass), rates, breakEvenPlot(pass, breakEven)];
}
