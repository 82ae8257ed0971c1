import { adapterName } from '../../src/gpu/adapter.js';
import { type Html, html, table } from '../../src/report/page/html.js';
import type { Section } from '../../src/report/page/html-page.js';
import { capital, times } from '../../src/report/page/numbers.js';
import type { Environment } from '../environment.js';
import { IMPOSSIBLE } from '../plausibility.js';
import { intervalText, passName, speedupInterval } from '../report-table.js';
import { isShown, mainRow, meaningOf, passesOf, type Shape, type ShownRow, verdictOf } from './series.js';

function lengthText({ text, length, batch }: ShownRow): string {
  const tokens = text === 'document' ? `${length} tokens` : `sentences of ${length} tokens on average`;
  return batch > 1 ? `${batch} x ${tokens}` : tokens;
}

function claim(row: ShownRow, environment: Environment): string {
  const name = capital(row.strategy);
  const adapter = environment.software ? 'a software adapter' : adapterName(environment.adapter);
  const where = `at ${lengthText(row)}, ${passName(row.pass)}, on ${adapter}`;
  switch (verdictOf(row)) {
    case 'faster':
      return `${name} attention is ${times(row.realisedSpeedup)} as fast as dense ${where}`;
    case 'slower':
      return `${name} attention takes ${times(row.ratioToDense)} the time of dense ${where}`;
    case 'unclear':
      return `No difference between ${row.strategy} and dense attention could be shown ${where}`;
    case 'impossible':
      return `The time of ${row.strategy} attention is not to be trusted ${where}`;
  }
}

function evidence(row: ShownRow): string {
  const { ratioToDense, ratioLow, ratioHigh } = row;
  if (verdictOf(row) === 'slower') {
    return `${times(ratioToDense)} of dense’s time (99 % interval ${intervalText(ratioLow, ratioHigh)})`;
  }
  return `speed-up ${times(row.realisedSpeedup)} (99 % interval ${speedupInterval(row)})`;
}

/** The finding of a benchmark of attention in a sentence, with the evidence. */
export function findingsOf(
  [shape]: readonly Shape[],
  environment: Environment,
): Pick<Section, 'finding' | 'lead'> {
  if (!shape) return { finding: 'Nothing was measured', lead: html`` };
  const rows = shape.rows.map(({ row }) => row).filter(isShown);
  const found = passesOf(shape.rows)
    .map((pass) => mainRow(rows, pass))
    .filter((row) => row !== undefined);
  const first = found.find(({ pass }) => pass === 'forward+backward') ?? found[0];
  if (!first) {
    const isDense = rows.every(({ strategy }) => strategy === 'none');
    return {
      finding: isDense
        ? 'Only dense attention was measured'
        : 'No speed-up is shown: timing is not to be trusted',
      lead: html``,
    };
  }
  const sentences = [first, ...found.filter((row) => row !== first)].map(
    (row) => html`<strong>${capital(passName(row.pass))}:</strong> ${evidence(row)}.`,
  );
  const lines = sentences.map((sentence, at) => html`${at > 0 ? ' ' : ''}${sentence}`);
  return { finding: claim(first, environment), lead: html`${lines} ${capital(shape.title)}.` };
}

/** A table of the strategies: what each computes, and how it compares at the longest length. */
export function verdicts(shape: Shape): Html {
  const longest = Math.max(...shape.rows.map(({ row }) => row.length));
  const rows = shape.rows.filter(({ row }) => row.length === longest);
  const names = [...new Map(rows.map(({ series }) => [series.name, series])).values()];
  const passes = passesOf(rows);
  const cell = (name: string, pass: string) => {
    const found = rows.find(({ row, series }) => series.name === name && row.pass === pass)?.row;
    return found && isShown(found) ? inWords(found) : '';
  };
  return html`${table(
    `Beside dense attention at ${longest} tokens, ${shape.title}, with 99 % confidence`,
    [
      { heading: 'Strategy', cell: ({ name }) => name },
      ...passes.map((pass) => ({
        heading: passName(pass),
        cell: ({ name }: { name: string }) => cell(name, pass),
      })),
      {
        heading: 'What it computes',
        cell: ({ strategy }) => meaningOf(strategy),
      },
    ],
    names,
    'words',
  )}`;
}

function inWords(row: ShownRow): string {
  if (row.strategy === 'none') return 'the baseline';
  switch (verdictOf(row)) {
    case 'faster':
      return `${speedupInterval(row)} faster`;
    case 'slower':
      return `${intervalText(row.ratioLow, row.ratioHigh)} slower`;
    case 'unclear':
      return `no difference shown (${speedupInterval(row)})`;
    case 'impossible':
      return `${speedupInterval(row)}, ${IMPOSSIBLE}`;
  }
}
