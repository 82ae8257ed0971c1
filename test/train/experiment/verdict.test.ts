import { describe, expect, it } from 'vitest';
import { hostRandom } from '../../../src/base/random.js';
import type { Experiment } from '../../../src/train/experiment/experiment.js';
import { experimentTables } from '../../../src/train/experiment/result-table.js';
import type { CellResult } from '../../../src/train/experiment/results.js';
import { isShown, verdictOf } from '../../../src/train/experiment/seed-statistics.js';

const CONTENDERS = ['none', 'hard', 'soft', 'floor', 'random', 'window'];
const SEEDS = Array.from({ length: 10 }, (_, at) => at + 1);
const ROWS = 100;

const experiment: Experiment = {
  name: 'null',
  description: '',
  settings: {},
  conditions: Object.fromEntries(CONTENDERS.map((name) => [name, {}])),
  grid: { seed: SEEDS },
  comparisons: CONTENDERS.slice(1).flatMap((name) => [
    [name, 'none'] as const,
    ...(name === 'hard' ? [] : [['hard', name] as const]),
  ]),
};

function cell(condition: string, seed: number, best: number, final: number): CellResult {
  const reading = (right: number) => {
    const marks = '1'.repeat(right).padEnd(ROWS, '0');
    return { epoch: 1, step: 1, accuracy: right / ROWS, loss: 1, f1: 0, matthews: 0, marks };
  };
  return {
    experiment: 'null',
    condition,
    point: { seed },
    settings: {},
    data: '',
    adapter: '',
    density: 1,
    evaluations: [],
    best: reading(best),
    final: reading(final),
    tokensPerSecond: 1,
    seconds: 1,
  };
}

/** Correct rows of each condition with each seed. Seeds differ much more than conditions, and one in six fails completely. */
function drawn(random: () => number, lead = 0): CellResult[] {
  return SEEDS.flatMap((seed) => {
    const level = random() < 1 / 6 ? 50 : 60 + Math.floor(30 * random());
    const right = CONTENDERS.map(() => level + Math.floor(8 * random()));
    // Names are assigned to measurements at random within each seed.
    for (let at = right.length - 1; at > 0; at--) {
      const other = Math.floor((at + 1) * random());
      [right[at], right[other]] = [right[other], right[at]];
    }
    return CONTENDERS.map((name, at) => {
      const best = right[at] + (name === 'hard' ? lead : 0);
      return cell(name, seed, best, best - Math.floor(2 * random()));
    });
  });
}

describe('verdicts', () => {
  it('err in at most 5 % of tables whose conditions are named at random within each seed', () => {
    const random = hostRandom(15);
    let wrong = 0;
    const tables = 200;
    for (let table = 0; table < tables; table++) {
      const [{ comparisons }] = experimentTables(experiment, drawn(random));
      expect(comparisons).toHaveLength(18);
      if (comparisons.some(isShown)) wrong++;
    }
    expect(wrong / tables).toBeLessThanOrEqual(0.05);
  });

  it('find a difference that every seed shows', () => {
    const [{ comparisons }] = experimentTables(experiment, drawn(hostRandom(16), 9));
    const verdicts = comparisons.filter(({ treatment: one }) => one === 'hard').map(verdictOf);
    expect(verdicts).toEqual(new Array(10).fill('better'));
    const others = comparisons.filter(({ treatment: one }) => one !== 'hard').map(verdictOf);
    expect(new Set(others)).toEqual(new Set(['no difference is shown']));
  });

  it('need ten seeds, even for a clear difference', () => {
    const difference = { value: 0.1, low: 0.09, high: 0.11 };
    const nine = { seeds: 9, difference, corrected: 0.0001 };
    expect(verdictOf(nine)).toBe('no difference is shown: 9 seeds, at least 10 are needed');
    expect(verdictOf({ ...nine, seeds: 1 })).toBe('no difference is shown: 1 seed, at least 10 are needed');
    expect(verdictOf({ ...nine, seeds: 10 })).toBe('better');
  });

  it('need both the test and the interval', () => {
    const difference = { value: -0.1, low: -0.2, high: -0.05 };
    expect(verdictOf({ seeds: 10, difference, corrected: 0.049 })).toBe('worse');
    expect(verdictOf({ seeds: 10, difference, corrected: 0.05 })).toBe('no difference is shown');
    const wide = { ...difference, high: 0.01 };
    expect(verdictOf({ seeds: 10, difference: wide, corrected: 0.01 })).toBe('no difference is shown');
  });
});
