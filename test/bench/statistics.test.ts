import { describe, expect, it } from 'vitest';
import type { AttentionRow } from '../../bench/attention-row.js';
import { formatCsv } from '../../bench/bench-report.js';
import { breakEvens } from '../../bench/break-even.js';
import { compareReports, parseReport } from '../../bench/compare.js';
import type { Environment } from '../../bench/environment.js';
import { medianOfRatios, untilNarrow } from '../../bench/statistics.js';
import { amdahl } from '../../bench/step-bench.js';
import { hostRandom } from '../../src/base/random.js';

describe('statistics', () => {
  it('finds an interval that contains the true ratio, and shrinks with more turns', () => {
    const random = hostRandom(3);
    const noisy = (level: number) => Array.from({ length: 201 }, () => level * (1 + 0.3 * random()));
    const [reference, times] = [noisy(1), noisy(0.5)];
    const many = medianOfRatios(times, reference);
    const few = medianOfRatios(times.slice(0, 9), reference.slice(0, 9));
    expect(many.low).toBeLessThan(0.5);
    expect(many.high).toBeGreaterThan(0.5);
    expect(many.ratio).toBeCloseTo(0.5, 1);
    expect(many.high - many.low).toBeLessThan(few.high - few.low);
  });

  it('finds an interval that nearly always contains the true ratio, for any number of turns', () => {
    const random = hostRandom(8);
    for (const turns of [1, 2, 3, 5, 7, 8, 9, 15, 40]) {
      let missed = 0;
      for (let trial = 0; trial < 200; trial++) {
        const times = Array.from({ length: turns }, () => 0.5 * Math.exp(0.2 * (random() - 0.5)));
        const { ratio, low, high } = medianOfRatios(times, Array(turns).fill(1));
        expect(low <= ratio && ratio <= high).toBe(true);
        if (low > 0.5 || high < 0.5) missed++;
      }
      expect(missed, `${turns} turns`).toBeLessThanOrEqual(7);
    }
  });

  it('is not misled by turns that were slow for both', () => {
    const random = hostRandom(4);
    const speeds = Array.from({ length: 41 }, () => (random() < 0.5 ? 1 : 2));
    const reference = speeds.map((speed) => speed * (1 + 0.05 * random()));
    const times = speeds.map((speed) => 0.5 * speed * (1 + 0.05 * random()));
    const { ratio, low, high } = medianOfRatios(times, reference);
    expect(Math.abs(ratio - 0.5)).toBeLessThan(0.02);
    expect(high - low).toBeLessThan(0.03);
  });

  it('asks for turns until all intervals are narrow, or the time is over', () => {
    const random = hostRandom(5);
    const noisy = (spread: number) => Array.from({ length: 15 }, () => 1 + spread * random());
    expect(untilNarrow(60)([noisy(0.01), noisy(0.01)])).toBe(false);
    expect(untilNarrow(60)([noisy(0.01), noisy(0.01), noisy(1)])).toBe(true);
    expect(untilNarrow(0)([noisy(0.01), noisy(1)])).toBe(false);
  });

  it('computes Amdahl’s law', () => {
    expect(amdahl(0.5, 2)).toBeCloseTo(4 / 3);
    expect(amdahl(0, 100)).toBe(1);
    expect(amdahl(1, 3)).toBeCloseTo(3);
  });
});

/** A row with the fields that break-even and comparison read. */
function row(length: number, ratio: number, spread = 0.01, more: Partial<AttentionRow> = {}): AttentionRow {
  return {
    strategy: 'hard',
    rules: 'paper',
    order: 'tags',
    text: 'document',
    length,
    batch: 1,
    heads: 8,
    headDim: 64,
    pass: 'forward',
    medianMs: 10,
    planMs: 1,
    density: 0.3,
    ratioToDense: ratio,
    ratioLow: ratio - spread,
    ratioHigh: ratio + spread,
    ...more,
  } as AttentionRow;
}

describe('break-even', () => {
  it('is the shortest length above which every length is faster', () => {
    const [found] = breakEvens([row(64, 1.2), row(128, 0.95), row(256, 1.1), row(512, 0.8), row(1024, 0.5)]);
    expect(found.length).toBe(512);
    expect(breakEvens([row(64, 1.2)])[0].length).toBe(null);
  });

  it('has the length from which planning is worth it, too', () => {
    const [found] = breakEvens([row(512, 0.95), row(1024, 0.5)]);
    expect([found.length, found.lengthWithPlanning]).toEqual([512, 1024]);
  });

  it('is not given for the baseline, nor for a strategy with every pair', () => {
    const causal = row(512, 1, 0, { strategy: 'none', density: 0.5 });
    expect(breakEvens([causal, row(512, 1.1, 0.01, { strategy: 'soft', density: 1 })])).toEqual([]);
  });

  it('has the density at which nothing is gained', () => {
    const other = row(512, 0.8, 0.01, { strategy: 'guided', density: 0.6 });
    const [found] = breakEvens([row(512, 0.5), other]);
    expect(found.density).toBeCloseTo(0.8);
  });
});

describe('comparing two runs', () => {
  const environment = { adapter: { description: 'a', kind: 'gpu' }, kernelHash: 'h', date: 'd' };
  const compare = (before: AttentionRow, after: AttentionRow) =>
    compareReports({ environment, rows: [{ ...before }] }, { environment, rows: [{ ...after }] })[0].verdict;

  it('distinguishes regressions and improvements from noise', () => {
    expect(compare(row(512, 0.5), row(512, 0.6))).toBe('regression');
    expect(compare(row(512, 0.6), row(512, 0.5))).toBe('improvement');
    expect(compare(row(512, 0.5, 0.1), row(512, 0.6, 0.1)), 'overlapping intervals').toBe('noise');
    expect(compare(row(512, 0.5, 0.001), row(512, 0.51, 0.001)), 'under three per cent').toBe('noise');
  });

  it('does not compare where a gate was red', () => {
    const red = row(512, 0.5, 0.01, { ratioToDense: null, ratioLow: null, ratioHigh: null });
    expect(compare(red, row(512, 0.5))).toBe('not comparable');
  });

  it('leaves out rows that only one run has', () => {
    expect(
      compareReports(
        { environment, rows: [{ ...row(128, 1) }] },
        { environment, rows: [{ ...row(256, 1) }] },
      ),
    ).toEqual([]);
  });

  it('refuses a file that is not a report', () => {
    expect(() => parseReport('{"rows": [{}]}', 'x.json')).toThrow(/^x\.json: not a report/);
    expect(() => parseReport('no JSON', 'x.json')).toThrow(/^x\.json: not a report/);
  });
});

describe('CSV', () => {
  it('quotes fields that need it, and repeats the environment in every row', () => {
    const environment = {
      adapter: { description: 'a "fine", adapter', kind: 'gpu' },
      dawn: { package: 'webgpu 1', toggles: ['x', 'y'] },
      load: [1, 2, 3],
      command: 'parsimony bench',
    } as unknown as Environment;
    const csv = formatCsv(environment, { passed: true, maxError: 1e-7 }, [
      { a: 1, b: [1, 2] },
      { a: null, c: 'z' },
    ]);
    const [head, first, second, end] = csv.split('\r\n');
    expect(head.startsWith('a,b,c,adapter,')).toBe(true);
    expect(first.startsWith('1,"[1,2]",,"a ""fine"", adapter",gpu,')).toBe(true);
    expect(second.startsWith(',,z,')).toBe(true);
    expect(end).toBe('');
  });
});
