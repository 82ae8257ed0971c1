import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { conditionsOf } from '../../src/report/runs/run.js';
import { experimentGroups, experimentOf } from '../../src/report/runs/run-groups.js';
import { seedsSvg } from '../../src/report/runs/seed-figures.js';
import { cellOf, runOf } from './some-runs.js';

const { document } = parseHTML('<html></html>');

/** What a picture shows: the text of each dot, and whether it is a ring. */
function dotsIn(svg: string): [title: string, isRing: boolean][] {
  document.documentElement.innerHTML = svg;
  return Array.from(document.querySelectorAll('path title, circle title')).map((title) => {
    const fill =
      title.parentElement!.getAttribute('fill') ?? title.parentElement!.parentElement!.getAttribute('fill');
    return [title.textContent, fill === 'none'];
  });
}

describe('the picture of every seed', () => {
  it('has a dot for the test accuracy and the steps of each run, and a ring where a run ended before the threshold', () => {
    const results = [1, 2].flatMap((seed) =>
      ['slow', 'fast'].map((condition) => {
        const accuracy = condition === 'fast' || seed === 2 ? 1 : 0.5;
        const { best, ...cell } = cellOf(condition, seed, 10 * accuracy, {
          settings: { until: 0.9, condition },
        });
        const { epoch: _, step: __, ...test } = best;
        const evaluations = [{ ...best, step: 32 * seed }];
        return { ...cell, best, evaluations, test: { ...test, accuracy: accuracy - 0.1 } };
      }),
    );
    const [group] = experimentGroups(experimentOf(results), results);
    expect(new Map(dotsIn(seedsSvg(group)))).toEqual(
      new Map([
        ['slow, seed 1: 0.4000', false],
        ['slow, seed 2: 0.9000', false],
        ['fast, seed 1: 0.9000', false],
        ['fast, seed 2: 0.9000', false],
        ['slow, seed 1: not in 32 steps', true],
        ['slow, seed 2: 64 steps', false],
        ['fast, seed 1: 32 steps', false],
        ['fast, seed 2: 64 steps', false],
      ]),
    );
  });

  it('is over training-set size where the points of a grid differ in it', () => {
    const results = [250, 1000].flatMap((trainExamples) =>
      [1, 2].map((seed) =>
        cellOf('a', seed, trainExamples === 250 ? 5 : 9, {
          point: { seed, trainExamples },
          settings: { trainExamples, seed },
        }),
      ),
    );
    const groups = experimentGroups(experimentOf(results), results);
    expect(groups.map(({ overSizes }) => overSizes?.length)).toEqual([1, undefined]);
    expect(dotsIn(seedsSvg(groups[0])).map(([title]) => title)).toEqual([
      'a, 250 examples, seed 1: 0.5000',
      'a, 1000 examples, seed 1: 0.9000',
      'a, 250 examples, seed 2: 0.5000',
      'a, 1000 examples, seed 2: 0.9000',
    ]);
  });

  it('shows dev where there is no test, and no steps without a threshold', () => {
    const svg = seedsSvg({ conditions: conditionsOf([runOf('a', 1, [0.5, 0.75]), runOf('a', 2, [0.6])]) });
    expect(
      dotsIn(svg)
        .map(([title]) => title)
        .sort(),
    ).toEqual(['a, seed 1: 0.7500', 'a, seed 2: 0.6000']);
    expect(svg).toContain('Best dev accuracy of every seed');
    expect(svg).not.toContain('Steps');
  });
});
