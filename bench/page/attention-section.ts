import { type Html, html } from '../../src/report/page/html.js';
import type { Section } from '../../src/report/page/html-page.js';
import { capital } from '../../src/report/page/numbers.js';
import { figure } from '../../src/report/page/plot-frame.js';
import type { AttentionReport } from '../attention-bench.js';
import type { AttentionRow } from '../attention-row.js';
import type { Pass } from '../attention-settings.js';
import { passName } from '../report-table.js';
import { attentionTable, breakEvenTable, contendersTable, preparationTable } from '../tables.js';
import { findingsOf, verdicts } from './bench-headline.js';
import { breakEvenPlot } from './break-even-plot.js';
import { fractionPlot, type PassRows, passRows, ratePlot, speedupPlot, timePlot } from './length-plots.js';
import { type Peaks, rooflinePlot } from './roofline-plot.js';
import { htmlTable, sectionOf } from './section-parts.js';
import { isShown, passesOf, type Shape, shapesOf } from './series.js';

/** A report for a page. With the adapter's peaks, rates are drawn under its roof. */
export type PageReport = AttentionReport & { peaks?: Peaks };

/** The most characters of plots, so that the page stays under a megabyte. Further shapes are only in the table. */
const PLOT_BUDGET = 450_000;

/** The section of `bench attention`: speed-up against length first, then the rest, folded. @param id Distinguishes its figures. */
export function attentionSection(report: PageReport, id: string): Section {
  const shapes = shapesOf(report);
  const { environment, settings, gate } = report;
  const contenders = contendersTable(report);
  return sectionOf(report, {
    title: 'Attention',
    ...findingsOf(shapes, environment),
    howMeasured: `${settings.repeats} timed turns or more, all strategies in every turn; intervals are of the median over turns`,
    isChecked: shapes.length > 0 || !gate.passed,
    body: html`${gate.passed && shapes.length > 0 ? speedups(report, shapes, id) : ''}
<details><summary>All rows</summary>
${shapes.map((shape) => rowsTable(report, shape))}${shapes.length === 0 ? html`<p>None.</p>` : ''}
${contenders ? htmlTable(contenders) : ''}
${htmlTable(preparationTable(report))}</details>`,
    data: settings.data,
  });
}

function rowsTable(report: PageReport, { title, rows }: Shape): Html {
  const names = new Map<AttentionRow, string>(rows.map(({ row, series }) => [row, series.name]));
  const plain = rows.map(({ row }) => row);
  return htmlTable(attentionTable(report, `Rows: ${title}`, plain, (row) => names.get(row)!));
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
${report.breakEven.length > 0 ? htmlTable(breakEvenTable(report)) : ''}</details>`;
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
  return html`${shown}${left > 0 ? html`<p>${left} more shapes are only in the table.</p>` : ''}`;
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
