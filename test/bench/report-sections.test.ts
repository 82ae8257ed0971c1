import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { benchSection, type PagedReport } from '../../bench/page/bench-section.js';
import { traceSection } from '../../bench/page/trace-section.js';
import type { LimitsReport } from '../../bench/roofline.js';
import { amdahl, type StepReport } from '../../bench/step-bench.js';
import { sectionsPage } from '../../src/report/page/html-page.js';
import { openedPage } from '../support/opened-page.js';
import { reportOf, someRows } from './page-report.js';

const RESULTS = join(import.meta.dirname, '../../bench/results');

function stored<R>(name: string): R {
  return JSON.parse(readFileSync(join(RESULTS, name), 'utf8'));
}

function open(...reports: PagedReport[]) {
  const sections = reports.map((report, at) => benchSection(report, `bench-${at}`));
  return openedPage(sectionsPage('a report', sections));
}

const RED = { passed: false, maxError: 0.3, shareOfBound: 9, complaints: ['output is off by 3.0e-1'] };

/** Every word that could state a comparison of times. */
const COMPARISON = /\d\.\d+x|faster|slower|speed-?up|as fast|of that product/i;

describe('the section of bench attention', () => {
  it('draws the speed-up over length, with the numbers of its rows', () => {
    const { titles, text, document } = open(reportOf(someRows()));
    const shown = (value: number) => `${value.toFixed(2)}x`;
    const interval = `${shown(1 / (1.04 * 0.431))} to ${shown(1 / (0.96 * 0.431))}`;
    expect(titles[0]).toBe(
      `Forward, 1024 tokens: hard is ${shown(1 / 0.431)} as fast as dense (${interval})`,
    );
    expect(text('figure desc')).toContain(`hard: ${shown(1 / 0.431)} (${interval}) at 512 tokens`);
    expect(text('figure desc')).not.toContain('none');
    expect(document.querySelectorAll('tbody tr').length).toBeGreaterThan(someRows().length);
  });
});

describe('the section of bench step', () => {
  const report = stored<StepReport>('step-lavapipe.json');
  const rowOf = (strategy: string, length: number) =>
    report.rows.find((row) => row.strategy === strategy && row.length === length)!;

  it('says what share of a step is attention, and what it could gain at most', () => {
    const { text, titles } = open(report);
    const dense = rowOf('none', 2048);
    const share = dense.attentionMs / dense.medianMs;
    const most = amdahl(share, Number.POSITIVE_INFINITY);
    expect(most).toBeCloseTo(1 / (1 - share), 12);
    expect(text('h1')).toBe(
      `Of a dense training step of 1 x 2048 tokens, ${(100 * share).toFixed(1)} % is attention: if it were free, the step ` +
        `would be ${most.toFixed(2)}x as fast; hard makes it ${rowOf('hard', 2048).realisedSpeedup!.toFixed(2)}x`,
    );
    expect(titles).toHaveLength(3);
    expect(titles[2]).toBe(`1 x 2048 tokens: attention is ${(100 * share).toFixed(1)} % of the dense step`);
  });

  it('draws bars whose parts add up to the step', () => {
    const { document } = open(report);
    const words = Array.from(document.querySelectorAll('figure desc'))[2].textContent;
    const hard =
      /hard: ([\d.]+) %, of it attention ([\d.]+) %, all other kernels ([\d.]+) %, no kernel: [a-z, ]+ ([\d.]+) %/.exec(
        words,
      )!;
    const [whole, ...parts] = hard.slice(1).map(Number);
    expect(parts.reduce((a, b) => a + b)).toBeCloseTo(whole, 0);
    expect(whole).toBeCloseTo((100 * rowOf('hard', 2048).medianMs) / rowOf('none', 2048).medianMs, 0);
    expect(words).toContain('free attention: ');
  });

  it('has no comparison where the gate was red', () => {
    const { text, document } = open({ ...report, gate: RED });
    expect(text('h1')).toBe('The correctness check is red: no times are compared');
    expect(text('.complaints')).toContain('3.0e-1');
    expect(document.querySelectorAll('figure').length).toBe(0);
    expect(text('body')).not.toMatch(COMPARISON);
  });

  it('says what is missing where the dense step was not measured', () => {
    const rows = report.rows.filter(({ strategy }) => strategy !== 'none');
    const { text, document } = open({ ...report, rows });
    expect(text('h1')).toBe('No dense training step was measured');
    expect(document.querySelectorAll('figure').length).toBe(0);
  });
});

describe('the section of a profile', () => {
  it('has the share of attention in the steps that were traced', () => {
    const event = (name: string, cat: string, dur: number, step: number) =>
      ({ name, cat, ph: 'X', ts: 0, dur: 1000 * dur, pid: 1, tid: 1, args: { step } }) as const;
    const traceEvents = [1, 2].flatMap((step) => [
      event('tag', 'cpu', 50, step),
      event('plan', 'cpu', 1, step),
      event('wait', 'cpu', 9, step),
      event('attention/wide/dense_forward', 'kernel', 4, step),
      event('optimizer/adamw', 'kernel', 5, step),
    ]);
    const { environment } = reportOf(someRows());
    const { finding, body } = traceSection({ traceEvents, otherData: environment }, 'trace');
    // 4 of 10 ms: 1 / (1 - 0.4).
    expect(finding).toBe(
      'Of a profiled training step, 40.0 % is attention: if it were free, the step would be 1.67x as fast',
    );
    expect(body.text).toContain('optimizer/adamw');
  });
});

describe('a page of several benchmarks', () => {
  it('makes the first its headline, and links to the others', () => {
    const limits = stored<LimitsReport>('limits-lavapipe.json');
    const { text, document, source } = open(
      reportOf(someRows()),
      limits,
      stored<StepReport>('step-lavapipe.json'),
    );
    expect(text('h1')).toContain('as fast as dense');
    const links = Array.from(document.querySelectorAll('nav a'));
    expect(links).toHaveLength(3);
    for (const link of links)
      expect(document.getElementById(link.getAttribute('href')!.slice(1))).not.toBeNull();
    const peak = Math.max(...limits.products.map(({ gflops }) => gflops));
    expect(text('nav')).toContain(`Our best matrix product reaches ${peak.toFixed(1)} GFLOP/s`);
    const ids = Array.from(document.querySelectorAll('[id]')).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(source).not.toMatch(/NaN|undefined|\[object/);
  });

  it('shows no speed-up where every gate was red', () => {
    const limits = stored<LimitsReport>('limits-lavapipe.json');
    const { text } = open({ ...reportOf(someRows()), gate: RED }, { ...limits, gate: RED });
    expect(text('body')).not.toMatch(COMPARISON);
  });
});
