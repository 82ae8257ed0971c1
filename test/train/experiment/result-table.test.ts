import { describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../src/train/experiment/parse-experiment.js';
import { experimentTables } from '../../../src/train/experiment/result-table.js';
import type { CellResult, MarkedEvaluation } from '../../../src/train/experiment/results.js';
import { verdictOf } from '../../../src/train/experiment/verdict.js';

const experiment = parseExperiment(
  `{ "name": "three", "conditions": { "none": {}, "hard": {}, "floor": {}, "never run": {} },
     "grid": { "seed": [1, 2, 3], "maxLength": [64, 128] },
     "comparisons": [["hard", "none"], ["hard", "floor"], ["hard", "never run"]], "range": ["floor", "none"] }`,
  'three.json',
);

function evaluation(marks: string): MarkedEvaluation {
  return { epoch: 1, step: 10, accuracy: 0.5, loss: 1, f1: 0.5, matthews: 0, marks };
}

function result(condition: string, seed: number, best: string, final: string, maxLength = 64): CellResult {
  return {
    experiment: 'three',
    condition,
    point: { maxLength, seed },
    settings: {},
    data: '',
    adapter: '',
    density: 0.25 * seed,
    evaluations: [],
    best: evaluation(best),
    final: evaluation(final),
    tokensPerSecond: 100,
    seconds: 1,
  };
}

const results = [
  result('none', 1, '1111111110', '1111111100'),
  result('none', 2, '1111111100', '1111111100'),
  result('hard', 1, '1111110000', '1111111100'),
  result('hard', 2, '1111111000', '1111111100'),
  result('hard', 3, '0000000000', '0000000000'),
  result('floor', 1, '1111100000', '1111000000'),
  result('none', 1, '1111100000', '1111111111', 128),
];

describe('the tables of an experiment', () => {
  const [short, long] = experimentTables(experiment, results);

  it('are one for each point of the grid', () => {
    expect(short.point).toEqual({ maxLength: 64 });
    expect(long.point).toEqual({ maxLength: 128 });
    expect(long.conditions.map(({ condition }) => condition)).toEqual(['none']);
    expect(long.comparisons).toEqual([]);
  });

  it('have densities, and the means of both checkpoints over seeds', () => {
    const byName = new Map(short.conditions.map((row) => [row.condition, row]));
    expect(byName.get('none')).toMatchObject({ seeds: 2, density: 0.375 });
    expect(byName.get('none')!.best.value).toBeCloseTo(0.85, 12);
    expect(byName.get('none')!.final.value).toBeCloseTo(0.8, 12);
    expect(byName.get('hard')!.best.value).toBeCloseTo(1.3 / 3, 12);
    expect(byName.get('none')!.best.high).toBe(1);
  });

  it('have places between floor and ceiling where these are shown to differ', () => {
    const marks = (right: number) => '1'.repeat(right).padEnd(100, '0');
    const seeds = Array.from({ length: 10 }, (_, at) => at + 1);
    const clear = [
      ['none', 90],
      ['hard', 80],
      ['floor', 60],
    ].flatMap(([name, right]) =>
      seeds.map((seed) =>
        result(`${name}`, seed, marks(Number(right) + (seed % 3)), marks(Number(right) + (seed % 3))),
      ),
    );
    const [table] = experimentTables(experiment, clear);
    const places = table.conditions.map(({ place }) => place);
    [1, 2 / 3, 0].forEach((place, index) => {
      expect(places[index]).toBeCloseTo(place, 12);
    });
    const noPlaces = [Number.NaN, Number.NaN, Number.NaN];
    const fewer = clear.filter(({ point }) => point.seed !== 10);
    expect(experimentTables(experiment, fewer)[0].conditions.map((row) => row.place)).toEqual(noPlaces);
    const unclear = clear.map(({ condition, point, ...others }) => {
      const isSwapped = Number(point.seed) <= 4 && condition !== 'hard';
      const name = isSwapped ? { none: 'floor', floor: 'none' }[condition]! : condition;
      return { ...others, point, condition: name };
    });
    expect(experimentTables(experiment, unclear)[0].conditions.map((row) => row.place)).toEqual(noPlaces);
  });

  it('compare conditions over the seeds that both have, and test nothing with too few of them', () => {
    const hardNone = short.comparisons.find(
      ({ baseline, measured }) => baseline === 'none' && measured === 'best',
    )!;
    expect(hardNone.seeds).toBe(2);
    expect(hardNone.difference.value).toBeCloseTo(0.65 - 0.85, 12);
    const hardFloor = short.comparisons.find(
      ({ baseline, measured }) => baseline === 'floor' && measured === 'best',
    )!;
    expect(hardFloor.seeds).toBe(1);
    expect(hardFloor.difference.value).toBeCloseTo(0.1, 12);
    expect(short.comparisons).toHaveLength(4);
    // 0.6 - 0.9 and 0.7 - 0.8: the mean -0.2, a standard error of 0.1, t of one degree 12.7062.
    expect(hardNone.difference.high).toBeCloseTo(-0.2 + 1.27062, 4);
    for (const row of short.comparisons) {
      expect([row.student, row.signFlip, row.corrected]).toEqual(new Array(3).fill(Number.NaN));
      expect(verdictOf(row)).toMatch(/^exploratory; too few seeds: [12] of 10$/);
    }
  });

  it('count only the rows that are asked for', () => {
    const [first] = experimentTables(experiment, results, (row) => row >= 5);
    expect(first.rows).toBe(5);
    expect(first.conditions[0].best.value).toBeCloseTo((0.8 + 0.6) / 2, 12);
  });

  it('compare test accuracy where every run has it, and steps where every run has a threshold', () => {
    const timed = (condition: string, seed: number, step: number, accuracy: number): CellResult => {
      const one = result(condition, seed, '1100', '1100');
      const test = { ...evaluation(accuracy > 0.5 ? '1110' : '1000'), accuracy };
      const evaluations = [{ ...one.final, step, accuracy }];
      return { ...one, settings: { until: 0.9 }, evaluations, test };
    };
    const runs = [
      timed('none', 1, 200, 0.95),
      timed('none', 2, 300, 0.2),
      timed('hard', 1, 100, 0.9),
      timed('hard', 2, 100, 0.95),
    ];
    const [table] = experimentTables(experiment, runs);
    expect(table).toMatchObject({ rows: 4, testRows: 4, until: 0.9 });
    const [none, hard] = table.conditions;
    expect(none.test!.value).toBe(0.5);
    expect(none.steps).toEqual({ median: Number.POSITIVE_INFINITY, reached: 1, limit: 300 });
    expect(hard.steps).toEqual({ median: 100, reached: 2, limit: 100 });
    const [test, , steps] = table.comparisons;
    expect(test).toMatchObject({ measured: 'test', seeds: 2 });
    expect(test.difference.value).toBe(0.25);
    // A censored run counts with all of its steps: a half of 200, a third of 300.
    expect(Math.exp(steps.difference.value)).toBeCloseTo(Math.sqrt(1 / 2 / 3), 12);
    const without = runs.map(({ test: _, ...others }, at) => (at === 0 ? others : runs[at]));
    expect(experimentTables(experiment, without)[0].comparisons[0].measured).toBe('best');
    expect(experimentTables(experiment, runs, (row) => row < 2)[0].testRows).toBeUndefined();
  });
});
