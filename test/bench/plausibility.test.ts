import { describe, expect, it } from 'vitest';
import type { AttentionReport } from '../../bench/attention-bench.js';
import { benchSection } from '../../bench/page/bench-section.js';
import {
  aboveIdeal,
  IMPOSSIBLE,
  isImpossible,
  loadWarning,
  plausibilityWarnings,
} from '../../bench/plausibility.js';
import { speedupInterval } from '../../bench/report-table.js';
import { sectionsPage } from '../../src/report/page/html-page.js';
import { openedPage } from '../support/opened-page.js';
import { reportOf, rowOf, someRows } from './page-report.js';

function open(report: AttentionReport) {
  return openedPage(sectionsPage('a benchmark', [benchSection(report, 'bench')]));
}

/** 4.07x of an ideal 3.125x, and all of its interval above that. */
const TOO_FAST = rowOf('hard', 1024, 1 / 4.07, { ratioLow: 1 / 4.2, ratioHigh: 1 / 3.9 });

describe('a speed-up above what its pairs allow', () => {
  it('is impossible where all of its interval is', () => {
    expect(isImpossible(TOO_FAST)).toBe(true);
    expect(isImpossible({ ...TOO_FAST, ratioHigh: 1 / 3.1 })).toBe(false);
    expect(isImpossible({ ...TOO_FAST, ratioHigh: null })).toBe(false);
    expect(isImpossible(rowOf('none', 1024, 1))).toBe(false);
  });

  it('is called noise where its interval reaches what is possible', () => {
    const rows = { ratioLow: 1 / 5, ratioHigh: 1 / 3 };
    expect(aboveIdeal(TOO_FAST)).toBe(', above the ideal: not to be trusted');
    expect(aboveIdeal(rowOf('hard', 1024, 1 / 4.07, rows))).toBe(', above the ideal by noise');
    expect(aboveIdeal(rowOf('hard', 1024, 1 / 3.2, rows))).toBe('');
    expect(aboveIdeal({ ...TOO_FAST, ratioHigh: null, realisedSpeedup: null })).toBe('');
  });

  it('has an interval without an upper end after one turn', () => {
    expect(speedupInterval({ ratioLow: 0, ratioHigh: Number.MAX_VALUE })).toBe('under 0.01x to over 10000x');
  });

  it('is flagged, in words that name its row', () => {
    const report = reportOf([rowOf('none', 1024, 1), TOO_FAST]);
    expect(plausibilityWarnings(report)).toEqual([
      `hard, 1 x 1024 tokens, forward: speed-up 4.07x of an ideal 3.13x is ${IMPOSSIBLE}`,
    ]);
    expect(plausibilityWarnings({ ...report, gate: { passed: false } })).toEqual([]);
    expect(plausibilityWarnings(reportOf(someRows()))).toEqual([]);
  });

  it('is flagged on every page, and makes no headline, no title and no break-even point', () => {
    const report = reportOf([rowOf('none', 1024, 1), TOO_FAST]);
    const { text, titles } = open(report);
    expect(text('h1')).toBe('No speed-up is shown: timing is not to be trusted');
    expect(text('.lead')).not.toContain('4.07x');
    expect(text('.warnings')).toContain(`4.07x of an ideal 3.13x is ${IMPOSSIBLE}`);
    expect(text('main')).toContain('4.07x, above the ideal: not to be trusted');
    expect(titles.join()).not.toContain('4.07x');
    expect(report.breakEven).toEqual([]);
    const others = open(reportOf([...someRows().slice(0, 3), TOO_FAST]));
    expect(others.text('h1')).toMatch(/^Hard attention is 2\.32x as fast as dense at 512 tokens/);
  });
});

describe('a speed-up above what its plan allows on the adapter', () => {
  const fast = rowOf('hard', 1024, 0.4, { boundSpeedup: 2.2 });

  it('is flagged where all of its interval is', () => {
    const report = reportOf([rowOf('none', 1024, 1), fast]);
    expect(plausibilityWarnings(report).join()).toMatch(
      /^hard, 1 x 1024 tokens, forward: speed-up 2\.50x of 2\.20x that its plan allows on this adapter/,
    );
    expect(open(report).text('main')).toContain('not to be trusted');
    expect(plausibilityWarnings(reportOf([{ ...fast, boundSpeedup: 2.45 }]))).toEqual([]);
  });

  it('is not flagged in files without that bound', () => {
    const { boundSpeedup: _, ...older } = fast;
    expect(plausibilityWarnings({ ...reportOf([]), rows: [older] })).toEqual([]);
  });
});

describe('a speed-up with a wide interval', () => {
  it('is counted, and the least certain is named', () => {
    const wide = rowOf('hard', 1024, 0.5, { ratioLow: 0.4, ratioHigh: 0.6 });
    const report = reportOf([rowOf('none', 1024, 1), rowOf('soft', 1024, 1.1), wide]);
    const warning =
      'the machine is too noisy to tell 1 of 3 speed-ups within 10.0 %: hard, 1 x 1024 tokens, forward, 1.67x to 2.50x after 9 turns';
    expect(plausibilityWarnings(report)).toEqual([warning]);
    expect(open(report).text('main')).toContain('1.67x to 2.50x, too wide');
  });
});

describe('another implausible figure', () => {
  const { environment } = reportOf([]);
  const step = (changes: object) => ({
    strategy: 'hard',
    batch: 1,
    length: 2048,
    density: 0.325,
    attentionSpeedup: 3,
    ratioHigh: 1 / 1.5,
    realisedSpeedup: 1.6,
    predictedFromIdeal: 1.9,
    ...changes,
  });
  const ofSteps = (...changes: object[]) =>
    plausibilityWarnings({ kind: 'step', environment, rows: changes.map(step) });

  it('is attention of a step that is faster than its pairs allow, beyond its interval', () => {
    expect(ofSteps({})).toEqual([]);
    expect(ofSteps({ attentionSpeedup: 3.3 })).toEqual([
      `hard, 1 x 2048 tokens, attention alone: speed-up 3.30x of an ideal 3.08x is ${IMPOSSIBLE}`,
    ]);
    expect(ofSteps({ attentionSpeedup: 3.3, attentionSpeedupLow: 3 })).toEqual([]);
    expect(ofSteps({ attentionSpeedup: 3.2, attentionSpeedupLow: 3.1 })).toHaveLength(1);
  });

  it('is a step that gains more than ideal attention would give it', () => {
    expect(ofSteps({ ratioHigh: 1 / 2, realisedSpeedup: 2.1 })).toEqual([
      `hard, 1 x 2048 tokens, the step: speed-up 2.10x, with ideal attention 1.90x, is ${IMPOSSIBLE}`,
    ]);
  });

  it('is more than all of a peak or a roof', () => {
    const rows = [
      { kernel: 'linear/forward', shareOfRoof: 2.45 },
      { kernel: 'layers/gelu_forward', shareOfRoof: 0.9 },
    ];
    const dense = [
      { length: 512, shareOfPeak: 1 },
      { length: 2048, shareOfPeak: 1.06 },
      { length: 4096, shareOfPeak: null },
    ];
    expect(plausibilityWarnings({ kind: 'limits', environment, rows, dense })).toEqual([
      expect.stringMatching(
        /^dense attention of 2048 tokens: 106\.0 % of our best matrix product is more than/,
      ),
      expect.stringMatching(/^linear\/forward: 245\.0 % of its roof is more than there is/),
    ]);
  });

  it('is a time of a machine with more load than cores', () => {
    const on = (load: number, cores: number) => loadWarning({ load: [load, 0, 0], system: { cores } });
    expect(on(10, 2)).toBe(
      'the machine was loaded at the start, load 10.0 on 2 cores: times are not to be trusted',
    );
    expect(on(2, 2)).toBeUndefined();
    expect(on(1.5, 1)).toContain('on 1 core:');
    const loaded = reportOf(someRows());
    loaded.environment.load = [10, 9, 8];
    expect(plausibilityWarnings(loaded)).toEqual([on(10, 2)]);
    expect(open(loaded).text('.warnings')).toContain('load 10.0 on 2 cores');
  });
});
