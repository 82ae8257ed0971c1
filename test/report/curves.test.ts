import { describe, expect, it } from 'vitest';
import { nameLines } from '../../src/report/runs/curve-frame.js';
import { bestAccuracy, densityOf, devCurve, trainingCurve } from '../../src/report/runs/curves.js';
import { conditionsOf, divergedAt } from '../../src/report/runs/run.js';
import { runOf } from './some-runs.js';

describe('a curve over seeds', () => {
  it('has the mean and Student’s interval at each step', () => {
    const runs = [0.4, 0.5, 0.9].map((accuracy, seed) => runOf('hard', seed, [accuracy, 0.5]));
    const [first, second] = devCurve(runs, 'accuracy');
    // By hand: mean 0.6, squared distances 0.04 + 0.01 + 0.09 over 2, so a standard error of √(0.07 / 3); t of 2 degrees is 4.302653.
    const halfWidth = 4.302653 * Math.sqrt(0.07 / 3);
    expect(first).toMatchObject({ step: 10, seeds: 3 });
    expect(first.value).toBeCloseTo(0.6, 12);
    // Student's interval is cut at 0 and 1, the bounds of an accuracy.
    expect(0.6 + halfWidth).toBeGreaterThan(1);
    expect(first.high).toBe(1);
    expect(first.low).toBe(Math.max(0, 0.6 - halfWidth));
    expect(second).toMatchObject({ step: 20, value: 0.5, low: 0.5, high: 0.5 });
    const [loss] = devCurve(runs, 'loss');
    expect(loss.value).toBeCloseTo(0.4, 12);
    expect(loss.low).toBeCloseTo(0.4 - halfWidth, 5);
    expect(loss.high).toBeCloseTo(0.4 + halfWidth, 5);
  });

  it('of two seeds has the interval of one degree of freedom, 12.706 standard errors wide', () => {
    const { value, low, high } = bestAccuracy([runOf('hard', 1, [0.7]), runOf('hard', 2, [0.71])]);
    expect(value).toBeCloseTo(0.705, 12);
    expect(high - value).toBeCloseTo(12.7062 * 0.005, 5);
    expect(value - low).toBeCloseTo(12.7062 * 0.005, 5);
  });

  it('of one seed has no interval', () => {
    const [point] = devCurve([runOf('hard', 1, [0.7])], 'accuracy');
    expect(point).toEqual({ step: 10, seeds: 1, value: 0.7, low: Number.NaN, high: Number.NaN });
  });

  it('has no mean where a seed diverged, instead of that of the others', () => {
    const diverged = runOf('hard', 2, [0.5, 0.5], {
      evaluations: [
        { step: 10, accuracy: 0.5, loss: 0.5 },
        { step: 20, accuracy: 0.5, loss: Number.NaN },
      ],
    });
    const curve = devCurve([runOf('hard', 1, [0.5, 0.9]), diverged], 'loss');
    expect(curve.map(({ step }) => step)).toEqual([10]);
    expect(divergedAt(diverged)).toBe(20);
    expect(divergedAt(runOf('hard', 1, [0.5]))).toBeUndefined();
  });

  it('counts the seeds that reached each step', () => {
    const curve = devCurve([runOf('hard', 1, [0.5, 0.6]), runOf('hard', 2, [0.7])], 'accuracy');
    expect(curve.map(({ step, seeds }) => [step, seeds])).toEqual([
      [10, 2],
      [20, 1],
    ]);
    expect(curve[1].value).toBe(0.6);
  });

  it('of very many reports is thinned to their means', () => {
    const trainingLosses = Array.from({ length: 1000 }, (_, at) => ({ step: at, loss: at }));
    const curve = trainingCurve([runOf('hard', 1, [0.5], { trainingLosses })]);
    expect(curve.length).toBeLessThanOrEqual(80);
    expect(curve[0].value).toBeCloseTo((curve[0].step + 0) / 2, 9);
    expect(curve[curve.length - 1].step).toBe(999);
  });

  it('has a density only where every run has one', () => {
    expect(densityOf([runOf('hard', 1, []), runOf('hard', 2, [])])).toBeCloseTo(0.3, 12);
    expect(densityOf([runOf('hard', 1, []), runOf('hard', 2, [], { density: undefined })])).toBeUndefined();
  });
});

describe('names over small pictures', () => {
  it.each([
    ['hard', 'hard'],
    ['tags 10 % wrong', 'tags 10 %\nwrong'],
    ['random blocks of 2', 'random blocks\nof 2'],
    ['learned, pruned', 'learned,\npruned'],
  ])('are whole in one line or two: %s', (name, lines) => {
    expect(nameLines(name)).toBe(lines);
  });

  it('are cut where one word is too long', () => {
    expect(nameLines('grandmother'.repeat(4))).toMatch(/^grandmo\w+…$/);
  });
});

describe('conditions', () => {
  it('have distinct looks, for any number of conditions', () => {
    const conditions = conditionsOf(Array.from({ length: 56 }, (_, at) => runOf(`c${at}`, 1, [0.5])));
    const looks = conditions.map(({ look: { colour, marker } }) => `${colour} ${marker}`);
    expect(new Set(looks).size).toBe(56);
  });

  it('have their runs in the order of seeds', () => {
    const [condition] = conditionsOf([10, 9, 1].map((seed) => runOf('hard', seed, [0.5])));
    expect(condition.runs.map(({ seed }) => seed)).toEqual(['1', '9', '10']);
  });
});
