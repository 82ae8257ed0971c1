import { describe, expect, it } from 'vitest';
import type { PageReport } from '../../bench/page/attention-section.js';
import { benchSection } from '../../bench/page/bench-section.js';
import { sectionsPage } from '../../src/report/page/html-page.js';
import { openedPage } from '../support/opened-page.js';
import { reportOf, rowOf, someRows, withoutSpeedup } from './page-report.js';

function open(report: PageReport) {
  return openedPage(sectionsPage('a benchmark', [benchSection(report, 'bench')]));
}

/** Every wording that states a comparison of times. */
const COMPARISON = /\d x\b|\d\.\d+x|faster|slower|speed-?up|of dense|GFLOP/i;

describe('the page of bench attention', () => {
  it('starts with what is faster, by how much, at which length, how surely and where', () => {
    const { text } = open(reportOf(someRows()));
    const main = rowOf('hard', 1024, 0.431);
    const shown = (value: number) => `${value.toFixed(2)}x`;
    expect(text('h1')).toBe(
      `Hard attention is ${shown(main.realisedSpeedup!)} as fast as dense at 1024 tokens, forward, on a software adapter`,
    );
    const interval = `${shown(1 / main.ratioHigh!)} to ${shown(1 / main.ratioLow!)}`;
    expect(text('.lead')).toContain(`99 % interval ${interval}`);
    expect(text('header')).toContain('green');
    expect(text('header')).toContain('llvmpipe (test)');
  });

  it('reports what is slower, and nothing where no difference was shown', () => {
    const slower = open(reportOf([rowOf('none', 64, 1), rowOf('hard', 64, 1.5)]));
    expect(slower.text('h1')).toContain('Hard attention takes 1.50x the time of dense at 64 tokens');
    const unclear = open(reportOf([rowOf('none', 64, 1), rowOf('hard', 64, 0.98)]));
    expect(unclear.text('h1')).toContain('No difference between hard and dense attention could be shown');
  });

  it('shows no speed-up anywhere where the gate was red, and why', () => {
    // Rows of shapes that were right keep their ratios in the report; the page shows none of them.
    const rows = someRows();
    const gate = {
      passed: false,
      maxError: 0.3,
      shareOfBound: 9,
      complaints: ['output is off by 3.0e-1, allowed are 1.0e-6'],
    };
    for (const left of [rows, rows.map(withoutSpeedup)]) {
      const { document, text } = open(reportOf(left, { gate }));
      expect(text('h1')).toContain('red');
      expect(text('.complaints')).toContain(gate.complaints[0]);
      expect(document.querySelectorAll('svg').length).toBe(0);
      expect(text('body')).not.toMatch(COMPARISON);
      expect(text('body')).toContain('Useful pairs');
    }
  });

  it('has the plots of every pass, each with a name and a description', () => {
    const rows = someRows();
    const both = [...rows, ...rows.map((row) => ({ ...row, pass: 'forward+backward' as const }))];
    const { document } = open(reportOf(both));
    const plots = Array.from(document.querySelectorAll('figure'));
    // Speed-up, time, share of the ideal, rate and break-even, of two passes.
    expect(plots.length).toBe(10);
    for (const plot of plots) {
      const svg = plot.querySelector('svg')!;
      expect(svg.getAttribute('role')).toBe('img');
      expect(svg.getAttribute('aria-label')).toBe(plot.querySelector('h4')!.textContent);
      const words = document.getElementById(svg.getAttribute('aria-describedby')!);
      expect(words?.textContent).toContain('hard: ');
      expect(plot.querySelector('figcaption')!.textContent).not.toBe('');
      expect(plot.querySelectorAll('.legend li').length).toBeGreaterThanOrEqual(2);
    }
    const titles = plots.map((plot) => plot.querySelector('h4')!.textContent);
    expect(titles[2]).toContain('hard takes 0.43 of dense’s time');
    const ids = Array.from(document.querySelectorAll('[id]')).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('draws a roofline where the peaks were measured', () => {
    const { document } = open({ ...reportOf(someRows()), peaks: { gflops: 12, gigabytesPerSecond: 9 } });
    const titles = Array.from(document.querySelectorAll('figure h4')).map((title) => title.textContent);
    // 4 D FLOPs on 0.384 N² pairs over 16 N D bytes is 98 FLOPs a byte at N = 1,024: far right of the ridge.
    expect(titles[3]).toBe('Forward, 1024 tokens: hard executes 4.80 GFLOP/s, 40 % of the roof');
  });

  it('has every row, the time before the kernels, the environment and the command', () => {
    const report = reportOf(someRows());
    const { document, text } = open(report);
    const captions = Array.from(document.querySelectorAll('caption')).map((caption) => caption.textContent);
    expect(document.querySelectorAll('table').length).toBe(captions.length);
    const tables = Array.from(document.querySelectorAll('table'));
    const rows = tables.find((table) => table.textContent.includes('Useful pairs'))!;
    expect(rows.querySelectorAll('tbody tr').length).toBe(report.rows.length);
    for (const { usefulPairs, executedPairs, densePairs } of report.rows) {
      for (const pairs of [usefulPairs, executedPairs, densePairs]) {
        expect(rows.textContent).toContain(pairs.toLocaleString('en-GB'));
      }
    }
    for (const heading of Array.from(document.querySelectorAll('th'))) {
      expect(heading.getAttribute('scope')).toMatch(/^(col|row)$/);
    }
    expect(text('main')).toContain('planning');
    expect(text('pre')).toBe(report.environment.command);
  });

  it('loads nothing from a network, and runs no script', () => {
    const { source, document } = open(reportOf(someRows()));
    expect(source).not.toMatch(/\w+:\/\/|@import|url\(/);
    expect(document.querySelectorAll('script[src], link, img, iframe, [src], [href]').length).toBe(0);
  });

  it('escapes what comes from data, in text, titles and labels', () => {
    const evil = '<img src=x onerror="alert(1)">\'&';
    const rows = someRows().map((row) => (row.strategy === 'none' ? row : { ...row, rules: evil }));
    const report = reportOf([...rows, rowOf(evil, 1024, 0.7)], {
      gate: { passed: true, maxError: 0, shareOfBound: 0, complaints: [] },
    });
    report.settings.rules = [evil, 'paper'];
    report.environment.command = evil;
    report.environment.adapter.description = evil;
    report.environment.software = false;
    const { source, document, text } = open(report);
    expect(source).not.toContain('<img');
    expect(document.querySelectorAll('img').length).toBe(0);
    expect(text('pre')).toBe(evil);
    expect(text('h1')).toContain(`on ${evil}`);
    expect(text('.legend')).toContain(`hard, ${evil}`);
    expect(document.querySelector('figure svg title')!.textContent).not.toBe('');
  });

  it('reports where nothing, nothing sparse, or only a part was measured', () => {
    expect(open(reportOf([])).text('h1')).toBe('Nothing was measured');
    expect(open(reportOf([rowOf('none', 64, 1)])).text('h1')).toBe('Only dense attention was measured');
    const interrupted = open(reportOf(someRows(), { interrupted: true }));
    expect(interrupted.text('header')).toContain('interrupted');
  });

  it('stays under a megabyte, however much was measured', () => {
    const rows = [16, 32, 64, 128].flatMap((headDim) =>
      [1, 2, 4, 8].flatMap((heads) =>
        someRows().flatMap((row) =>
          [128, 256, 1024, 4096].map((length) => ({ ...row, heads, headDim, length })),
        ),
      ),
    );
    const both = [...rows, ...rows.map((row) => ({ ...row, pass: 'forward+backward' as const }))];
    const { source, text } = open(reportOf(both));
    expect(source.length).toBeLessThan(1_000_000);
    expect(text('main')).toMatch(/\d+ more shapes are only in the table/);
  });
});
