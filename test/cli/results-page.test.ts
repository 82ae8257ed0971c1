import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { experimentMarkdown } from '../../src/cli/experiment-tables.js';
import { experimentGroups } from '../../src/report/runs/run-groups.js';
import { seedsSvg } from '../../src/report/runs/seed-figures.js';
import type { Experiment } from '../../src/train/experiment/experiment.js';
import { cellsOf, settingsHash } from '../../src/train/experiment/experiment.js';
import { parseExperiment } from '../../src/train/experiment/parse-experiment.js';
import { experimentTables } from '../../src/train/experiment/result-table.js';
import { type CellResult, parseResult } from '../../src/train/experiment/results.js';

const EXPERIMENTS = join(import.meta.dirname, '../../experiments');
const PAGE = readFileSync(join(EXPERIMENTS, '../RESULTS.md'), 'utf8');

const files = readdirSync(EXPERIMENTS).filter((file) => file.endsWith('.json'));

function experimentIn(file: string): Experiment {
  return parseExperiment(readFileSync(join(EXPERIMENTS, file), 'utf8'), file);
}

/** The results in the repository, of all seeds, without those that a user has added since. */
function stored({ name }: Experiment): Map<string, CellResult> {
  const folder = join(EXPERIMENTS, 'results', name);
  if (!existsSync(folder)) return new Map();
  const { status, stdout } = spawnSync('git', ['ls-files'], { cwd: folder, encoding: 'utf8' });
  const files = status === 0 ? stdout.split('\n') : readdirSync(folder);
  const results = files.filter((file) => file.endsWith('.json')).sort();
  return new Map(
    results.map((file) => [
      file.replace(/\.json$/, ''),
      parseResult(readFileSync(join(folder, file), 'utf8'), file),
    ]),
  );
}

describe('the results in the repository', () => {
  const withResults = files.filter((file) => stored(experimentIn(file)).size > 0);

  it('exist for most experiments', () => {
    expect(withResults.length).toBeGreaterThan(files.length / 2);
  });

  it.each(files)('of %s are of the runs that its file describes', (file) => {
    const experiment = experimentIn(file);
    const results = stored(experiment);
    const seeds = [...new Set([...results.values()].map(({ point }) => point.seed))];
    const cells = cellsOf({ ...experiment, grid: { ...experiment.grid, seed: seeds } });
    for (const [id, result] of results) {
      expect(settingsHash(result.settings), id).toBe(cells.find((cell) => cell.id === id)?.hash);
      const right = [...result.best.marks].filter((mark) => mark === '1').length;
      expect(result.best.accuracy, id).toBeCloseTo(right / result.best.marks.length, 12);
      expect(Math.max(...result.evaluations.map(({ accuracy }) => accuracy)), id).toBe(result.best.accuracy);
      expect(result.evaluations.at(-1)!.accuracy, id).toBe(result.final.accuracy);
    }
  });

  it.each(withResults)('of %s are the tables and the pictures of RESULTS.md', (file) => {
    const experiment = experimentIn(file);
    const byCell = stored(experiment);
    const results = [...byCell.values()];
    expect(PAGE).toContain(experimentMarkdown(experimentTables(experiment, results)));
    const ordered = cellsOf(experiment).flatMap((cell) => byCell.get(cell.id) ?? []);
    const groups = experimentGroups(experiment, ordered);
    // The first picture of a grid over numbers of sentences has all of them.
    const drawn = experiment.grid.trainExamples ? groups.slice(0, 1) : groups;
    for (const [index, group] of drawn.entries()) {
      const picture = `docs/pictures/${experiment.name}${index > 0 ? `-${index + 1}` : ''}.svg`;
      expect(PAGE).toContain(`](${picture})`);
      expect(readFileSync(join(EXPERIMENTS, '..', picture), 'utf8')).toBe(seedsSvg(group));
    }
  });
});
