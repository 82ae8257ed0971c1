import { describe, expect, it } from 'vitest';
import { sectionsPage } from '../../src/report/page/html-page.js';
import type { Run } from '../../src/report/runs/run.js';
import {
  experimentGroups,
  experimentOf,
  folderGroups,
  type RunGroup,
} from '../../src/report/runs/run-groups.js';
import { runSection } from '../../src/report/runs/run-section.js';
import { openedPage } from '../support/opened-page.js';
import { cellOf, runOf } from './some-runs.js';

function open(groups: readonly RunGroup[]) {
  const sections = groups.map((group, at) => runSection(group, `runs-${at}`));
  return openedPage(sectionsPage('a report', sections));
}

function ofFolders(...runs: Run[]) {
  return open(folderGroups(runs));
}

describe('the page of training runs', () => {
  const three = (condition: string, ...best: number[]) =>
    best.map((accuracy, seed) => runOf(condition, seed, [0.5, accuracy]));

  it('starts with the best condition and its interval, with the same numbers in figure and table', () => {
    const { text, titles, document } = ofFolders(
      ...three('none', 0.8, 0.8, 0.8),
      ...three('hard', 0.82, 0.84, 0.86),
    );
    // By hand: mean 0.84, standard error 0.02 / √3, t of 2 degrees 4.302653.
    const halfWidth = (4.302653 * 0.02) / Math.sqrt(3);
    const interval = `${(0.84 - halfWidth).toFixed(4)} to ${(0.84 + halfWidth).toFixed(4)}`;
    expect(text('h1')).toBe(
      'No difference is shown: the best of 2, hard, has a dev accuracy of 0.8400, full attention (none) 0.8000',
    );
    expect(text('.lead')).toContain(`0.8400 (95 % interval ${interval})`);
    expect(text('.lead')).toContain('no difference is tested');
    expect(titles).toContain(`Best dev accuracy: hard, 0.8400 (${interval})`);
    const row = Array.from(document.querySelectorAll('tbody tr')).find((one) =>
      one.textContent.includes('30.0 %'),
    )!;
    expect(row.textContent).toContain(interval);
    expect(titles).toContain(
      'Accuracy against density: with 30.0 % of the pairs, hard has 0.8400, none 0.8000',
    );
  });

  it('reports that one seed has no interval', () => {
    const { text } = ofFolders(runOf('none', 7, [0.6, 0.9, 0.8]));
    expect(text('h1')).toBe('None reaches a dev accuracy of 0.9000 at step 20, seed 7');
    expect(text('.lead')).toContain('one seed, no interval');
    expect(text('figcaption')).toContain('One seed each: there is no interval');
  });

  it('shows runs of one evaluation, of none, cut off and diverged, and marks them', () => {
    const losses = [{ step: 5, loss: Number.NaN }];
    const { text, document } = ofFolders(
      runOf('none', 1, [0.6]),
      runOf('none', 2, [0.6], { isFinished: false }),
      runOf('hard', 1, [0.5], { trainingLosses: losses }),
    );
    expect(text('.facts')).toContain('1 unfinished');
    expect(text('.facts')).toContain('1 diverged');
    expect(text('main')).toContain('diverged: the loss is not a number at step 5');
    expect(document.querySelectorAll('figure').length).toBeGreaterThan(0);
    const empty = ofFolders(runOf('hard', 1, [], { isFinished: false }));
    expect(empty.text('h1')).toBe('Nothing was evaluated yet');
    expect(empty.document.querySelectorAll('figure').length).toBe(0);
    expect(empty.source).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('separates runs on other data, and names settings that differ', () => {
    const other = (seed: number, rate: number) =>
      runOf('hard', seed, [0.7], { settings: { strategy: 'hard', rate, beta: 5, seed } });
    const groups = folderGroups([
      other(1, 0.1),
      other(2, 0.1),
      other(1, 0.2),
      runOf('hard', 1, [0.9], { data: 'other' }),
    ]);
    expect(groups.map(({ conditions }) => conditions.map(({ name, runs }) => [name, runs.length]))).toEqual([
      [
        ['hard, rate 0.1', 2],
        ['hard, rate 0.2', 1],
      ],
      [['hard', 1]],
    ]);
  });

  it('does not count the same run in two folders as two seeds', () => {
    const [{ conditions }] = folderGroups([
      runOf('hard', 1, [0.7]),
      runOf('hard', 1, [0.7], { name: 'runs/copy' }),
    ]);
    expect(conditions.map(({ runs }) => runs.length)).toEqual([1, 1]);
  });

  it('draws few conditions as lines, and many as small pictures with their names', () => {
    const few = ofFolders(...['a', 'b', 'c', 'd'].flatMap((name) => three(name, 0.7, 0.8, 0.9)));
    const legends = Array.from(few.document.querySelectorAll('figure'))
      .find((figure) => figure.textContent.includes('Dev accuracy over steps'))!
      .querySelectorAll('.legend li');
    expect(legends.length).toBe(4);
    const names = Array.from({ length: 14 }, (_, at) => `condition ${at}`);
    const many = ofFolders(...names.map((name, at) => runOf(name, 1, [0.5, 0.6 + at / 100])));
    const figure = Array.from(many.document.querySelectorAll('figure')).find((one) =>
      one.textContent.includes('Dev accuracy over steps'),
    )!;
    const texts = Array.from(figure.querySelectorAll('svg text')).map(({ textContent }) => textContent);
    for (const name of names) expect(texts).toContain(name);
    expect(many.titles[0]).toBe('Best dev accuracy: condition 13, 0.7300');
  });

  it('names and describes every figure, and has no id twice', () => {
    const { document } = open([
      ...folderGroups([...three('none', 0.8, 0.8, 0.8), ...three('hard', 0.82, 0.84, 0.86)]),
      ...folderGroups(three('hard', 0.82, 0.84, 0.86)),
    ]);
    const figures = Array.from(document.querySelectorAll('figure'));
    expect(figures.length).toBeGreaterThan(5);
    for (const figure of figures) {
      const svg = figure.querySelector('svg.plot')!;
      expect(svg.getAttribute('role')).toBe('img');
      expect(document.getElementById(svg.getAttribute('aria-describedby')!)?.textContent).toContain('hard: ');
      expect(figure.querySelector('figcaption')!.textContent).not.toBe('');
    }
    const ids = Array.from(document.querySelectorAll('[id]')).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows hostile names as text', () => {
    const evil = '</title></desc><img src=x onerror="alert(1)">\'&';
    const hostile = (seed: number) =>
      runOf(evil, seed, [0.5, 0.6], { adapter: evil, command: evil, settings: { [evil]: evil, seed } });
    const { document, text, source } = ofFolders(hostile(1), hostile(2), runOf('none', 1, [0.4, 0.5]));
    expect(source).not.toContain('<img');
    expect(document.querySelectorAll('img, script[src]').length).toBe(0);
    expect(text('pre')).toContain(evil);
    expect(text('h1')).toContain(evil);
    expect(source).not.toMatch(/\w+:\/\/(?!www\.w3\.org)|@import|url\(/);
  });
});

describe('the page of an experiment', () => {
  it('gives no verdict where no comparison is confirmatory', () => {
    const results = [1, 2, 3].flatMap((seed) => [cellOf('hard', seed, 7), cellOf('none', seed, 6)]);
    const [group] = experimentGroups(experimentOf(results), results);
    expect(group.comparisons.map(({ treatment, baseline }) => [treatment, baseline])[0]).toEqual([
      'hard',
      'none',
    ]);
    const { text } = open([group]);
    expect(text('h1')).toMatch(/^No difference is shown: the best of 2, hard, /);
    expect(text('.lead')).toContain('no comparison is confirmatory');
    expect(text('main')).toContain('+0.1000');
    expect(text('main')).toContain('exploratory; too few seeds: 3 of 10');
  });

  it('reports better where ten seeds of a confirmatory comparison show it, and draws each of them', () => {
    const marks = (right: number) => '1'.repeat(right).padEnd(200, '0');
    const cell = (name: string, seed: number, right: number) => {
      const { best, ...rest } = cellOf(name, seed, 5);
      const evaluation = { ...best, accuracy: right / 200, marks: marks(right) };
      return { ...rest, best: evaluation, last: evaluation };
    };
    const results = Array.from({ length: 10 }, (_, at) => at).flatMap((seed) => [
      cell('hard', seed, 180 + (seed % 5)),
      cell('none', seed, 100),
    ]);
    const unmarked = experimentOf(results);
    expect(open(experimentGroups(unmarked, results)).text('h1')).toMatch(/^No difference is shown/);
    const comparisons = unmarked.comparisons.map((one) => ({ ...one, confirmatory: ['accuracy'] as const }));
    const { text, document } = open(experimentGroups({ ...unmarked, comparisons }, results));
    expect(text('h1')).toBe('Hard against none: better (best dev accuracy)');
    expect(text('main')).toContain('0.0020');
    const titles = Array.from(document.querySelectorAll('figure svg title')).map(
      ({ textContent }) => textContent,
    );
    for (const { condition, point, best } of results)
      expect(titles).toContain(`${condition}, seed ${point.seed}: ${best.accuracy.toFixed(4)}`);
  });

  it('has a section for each point of the grid, and reads a loss that JSON wrote as null', () => {
    const at = (rate: number) =>
      cellOf('none', 1, 5, {
        point: { rate, seed: 1 },
        evaluations: [{ ...cellOf('none', 1, 5).evaluations[0], loss: null as unknown as number }],
      });
    const results = [at(0.1), at(0.2)];
    const groups = experimentGroups(experimentOf(results), results);
    expect(groups.map(({ title }) => title)).toEqual([
      'Experiment small, rate 0.1',
      'Experiment small, rate 0.2',
    ]);
    const { text, source } = open(groups);
    expect(text('main')).toContain('diverged');
    expect(source).not.toContain('NaN');
    expect(text('nav')).toContain('Experiment small, rate 0.2');
  });
});
