import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { cellsOf, csvOf, latexOf } from '../../src/report/page/downloads.js';
import { html, table } from '../../src/report/page/html.js';
import { openedPage } from '../support/opened-page.js';

const NAMES = ['plain', 'with, a comma', 'a "quote"', 'two\nlines', '50 % of {a} & b_c', '~ ^ \\ # $'];

function cells(): string[][] {
  const columns = [
    { heading: 'Name', cell: (name: string) => name },
    {
      heading: 'Mark',
      cell: () => html`<span aria-hidden="true">●</span><span class="spoken">hard</span>`,
    },
  ];
  const { document } = openedPage(`<html><body>${table('some', columns, NAMES).text}</body></html>`);
  return cellsOf(document.querySelector('table') as unknown as HTMLTableElement);
}

describe('the files that a page offers', () => {
  it('have the cells of a table, with what a screen reader reads', () => {
    const [headings, ...rows] = cells();
    expect(headings).toEqual(['Name', 'Mark']);
    expect(rows).toEqual(NAMES.map((name) => [name.replace('\n', ' '), 'hard']));
  });

  it('are CSV that a parser reads back', () => {
    const rows = NAMES.map((name, at) => [name, String(at)]);
    expect(parse(csvOf(rows), { relaxColumnCount: false })).toEqual(rows);
  });

  it('are LaTeX without an unescaped special character', () => {
    const text = latexOf('A & B', cells());
    expect(text).toContain('\\caption{A \\& B}');
    expect(text).toContain('\\begin{tabular}{lr}');
    expect(text).toContain('50 \\% of \\{a\\} \\& b\\_c & hard \\\\');
    expect(text).toContain('\\textasciitilde{} \\textasciicircum{} \\textbackslash{} \\# \\$ & hard \\\\');
  });

  it('are LaTeX in which a row may begin with a bracket, and characters are those of the table', () => {
    const text = latexOf('β', [
      ['Tag', 'Cell'],
      ['[CLS]', 'the → film'],
      ['a<b>|c', '−0.5 --no-tune ---'],
    ]);
    expect(text).not.toMatch(/(\\\\|rule)\s*\[/);
    expect(text).toContain('{[}CLS] & the $\\to$ film');
    expect(text).toContain('a\\textless{}b\\textgreater{}\\textbar{}c & $-$0.5 -{}-no-tune -{}-{}-');
    expect(text).toContain('\\caption{$\\beta$}');
  });
});
