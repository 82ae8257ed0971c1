import { describe, expect, it } from 'vitest';
import { hostRandom } from '../../../src/base/random.js';
import type { Experiment } from '../../../src/train/experiment/experiment.js';
import { experimentTables } from '../../../src/train/experiment/result-table.js';
import type { CellResult } from '../../../src/train/experiment/results.js';
import {
  type ComparisonRow,
  isEquivalent,
  isShown,
  verdictOf,
} from '../../../src/train/experiment/verdict.js';

const CONDITIONS = ['none', 'hard', 'soft', 'floor', 'random', 'window'];
const SEEDS = Array.from({ length: 10 }, (_, at) => at + 1);
const ROWS = 100;

const experiment: Experiment = {
  name: 'null',
  description: '',
  settings: {},
  conditions: Object.fromEntries(CONDITIONS.map((name) => [name, {}])),
  grid: { seed: SEEDS },
  comparisons: CONDITIONS.slice(1)
    .flatMap((name) => [[name, 'none'], ...(name === 'hard' ? [] : [['hard', name]])])
    .map(([treatment, baseline]) => ({ treatment, baseline, confirmatory: ['accuracy', 'steps'] })),
};

function cell(condition: string, seed: number, best: number, final: number): CellResult {
  const evaluation = (right: number) => {
    const marks = '1'.repeat(right).padEnd(ROWS, '0');
    return { epoch: 1, step: 1, accuracy: right / ROWS, loss: 1, f1: 0, matthews: 0, marks };
  };
  return {
    experiment: 'null',
    condition,
    point: { seed },
    settings: { until: 0.8 },
    data: '',
    adapter: '',
    density: 1,
    // Steps to the threshold follow the accuracy; a quarter of the runs does not reach it.
    evaluations: [{ ...evaluation(best), step: 1000 - 9 * best, accuracy: best < 70 ? 0.5 : 0.8 }],
    best: evaluation(best),
    final: evaluation(final),
    tokensPerSecond: 1,
    seconds: 1,
  };
}

/** Correct rows of each condition with each seed. Seeds differ much more than conditions, and one in six fails completely. */
function drawn(random: () => number, lead = 0): CellResult[] {
  return SEEDS.flatMap((seed) => {
    const level = random() < 1 / 6 ? 50 : 60 + Math.floor(30 * random());
    const right = CONDITIONS.map(() => level + Math.floor(8 * random()));
    // Names are assigned to measurements at random within each seed.
    for (let at = right.length - 1; at > 0; at--) {
      const other = Math.floor((at + 1) * random());
      [right[at], right[other]] = [right[other], right[at]];
    }
    return CONDITIONS.map((name, at) => {
      const best = right[at] + (name === 'hard' ? lead : 0);
      return cell(name, seed, best, best - Math.floor(2 * random()));
    });
  });
}

const confirmatory = (rows: readonly ComparisonRow[]) => rows.filter(({ isConfirmatory }) => isConfirmatory);

describe('verdicts', () => {
  it('show a difference in at most 5 % of tables whose conditions are named at random within each seed', () => {
    const random = hostRandom(15);
    let wrong = 0;
    const tables = 200;
    for (let table = 0; table < tables; table++) {
      const [{ comparisons }] = experimentTables(experiment, drawn(random));
      expect(confirmatory(comparisons)).toHaveLength(18);
      if (comparisons.some(isShown)) wrong++;
    }
    expect(wrong / tables).toBeLessThanOrEqual(0.05);
  });

  it('call conditions that differ by the margin equally good in at most 5 % of tables', () => {
    const random = hostRandom(17);
    const comparisons = CONDITIONS.slice(1).map(
      (treatment) => ({ treatment, baseline: 'none', confirmatory: ['accuracy'], margin: 0.03 }) as const,
    );
    let wrong = 0;
    let right = 0;
    const tables = 200;
    const isClaimed = (lead: number) => {
      const cells = drawn(random, 0).map((one) =>
        one.condition === 'none'
          ? one
          : cell(one.condition, Number(one.point.seed), Math.round(100 * one.best.accuracy) + lead, 50),
      );
      return experimentTables({ ...experiment, comparisons }, cells)[0].comparisons.some(isEquivalent);
    };
    for (let table = 0; table < tables; table++) {
      if (isClaimed(3)) wrong++;
      if (isClaimed(0)) right++;
    }
    expect(wrong / tables).toBeLessThanOrEqual(0.05);
    // Otherwise the test above could not fail.
    expect(right).toBeGreaterThan(2 * wrong);
  });

  it('find a difference that every seed shows, in accuracy and in steps', () => {
    const [{ comparisons }] = experimentTables(experiment, drawn(hostRandom(16), 9));
    const ofHard = confirmatory(comparisons).filter(({ treatment }) => treatment === 'hard');
    expect(ofHard.filter(({ measured }) => measured === 'best').map(verdictOf)).toEqual(
      new Array(5).fill('better'),
    );
    const others = confirmatory(comparisons)
      .filter(({ treatment }) => treatment !== 'hard')
      .map(verdictOf);
    expect(new Set(others)).toEqual(new Set(['no difference is shown']));
    const exploratory = comparisons.filter(({ isConfirmatory }) => !isConfirmatory).map(verdictOf);
    expect(new Set(exploratory)).toEqual(new Set(['exploratory']));
  });

  it('need ten seeds and all seeds of the file, even for a clear difference', () => {
    const results = drawn(hostRandom(16), 30);
    const verdicts = (seeds: readonly number[], planned: readonly number[], leastSeeds?: number) => {
      const here = results.filter(({ point }) => seeds.includes(Number(point.seed)));
      const [{ comparisons }] = experimentTables(
        { ...experiment, grid: { seed: planned }, leastSeeds },
        here,
      );
      return verdictOf(comparisons.find(({ treatment }) => treatment === 'hard')!);
    };
    expect(verdicts(SEEDS, SEEDS)).toBe('better');
    expect(verdicts(SEEDS.slice(1), SEEDS.slice(1))).toBe('too few seeds: 9 of 10');
    expect(verdicts(SEEDS, [...SEEDS, 11, 12])).toBe('too few seeds: 10 of 12');
    expect(verdicts(SEEDS, [...SEEDS, 11, 12], 10)).toBe('better');
    expect(verdicts(SEEDS, [...SEEDS, 11, 12], 11)).toBe('too few seeds: 10 of 11');
  });

  it('are also corrected for comparisons that cannot be tested yet', () => {
    const results = drawn(hostRandom(16), 9);
    const some = results.filter(({ condition }) => ['none', 'hard'].includes(condition));
    const [{ comparisons }] = experimentTables(experiment, some);
    const [row] = confirmatory(comparisons);
    expect(row.corrected).toBeCloseTo(18 * Math.max(row.student, row.signFlip), 12);
  });

  it('say what is shown, in words', () => {
    const row: ComparisonRow = {
      ...{
        treatment: 'hard',
        baseline: 'none',
        measured: 'test',
        isConfirmatory: true,
        seeds: 10,
        seedsNeeded: 10,
      },
      ...{ difference: { value: -0.1, low: -0.2, high: -0.05 }, student: 0.01, signFlip: 0.01 },
      ...{ corrected: 0.049, margin: 0.15, equivalence: 0.05 },
    };
    expect(verdictOf(row)).toBe('worse');
    expect(verdictOf({ ...row, measured: 'steps' })).toBe('faster');
    expect(verdictOf({ ...row, corrected: 0.05 })).toBe('no difference is shown');
    expect(verdictOf({ ...row, corrected: 0.05, equivalence: 0.049 })).toBe('as good as, ± 0.15');
    expect(verdictOf({ ...row, equivalence: 0.049 })).toBe('worse, but as good as, ± 0.15');
    expect(verdictOf({ ...row, isConfirmatory: false })).toBe('exploratory');
    expect(verdictOf({ ...row, isConfirmatory: false, seeds: 3 })).toBe(
      'exploratory; too few seeds: 3 of 10',
    );
  });
});
