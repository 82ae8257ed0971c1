import { existsSync, mkdirSync, readdirSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { EngineError } from '../../../src/base/errors.js';
import { slurmShard } from '../../../src/cli/shard-option.js';
import { CellFailures } from '../../../src/train/experiment/cell-failures.js';
import { checkedJob, jobOf } from '../../../src/train/experiment/cell-job.js';
import { DataHashes } from '../../../src/train/experiment/data-hashes.js';
import { type Cell, cellsOf } from '../../../src/train/experiment/experiment.js';
import { cellName, claimsFolder } from '../../../src/train/experiment/grid-cells.js';
import { gridState, machinesOf, mixtureNote } from '../../../src/train/experiment/grid-state.js';
import { storedResults } from '../../../src/train/experiment/results.js';
import { type GridOptions, runGrid } from '../../../src/train/experiment/run-grid.js';
import { RunInterrupted } from '../../../src/train/interruption.js';
import { writeTinyData } from '../../cli/tiny-model.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { gridIn, resultOf } from './grid-fixture.js';

const folder = temporaryFolder();

const GRID = gridIn(folder);

const CELLS = cellsOf(GRID);

let data: string;

beforeAll(async () => {
  writeTinyData(folder);
  data = await new DataHashes().of(CELLS[0]);
});

let folders = 0;
function newResults(): string {
  return join(folder, `results-${folders++}`);
}

/** Runs a grid whose cells take a few milliseconds. @param started Gets the ids of the cells that start. */
function run(results: string, started: string[], options: Partial<GridOptions> = {}, runners = 1) {
  const runner = async (cell: Cell) => {
    started.push(cell.id);
    await delay(3);
    return resultOf(cell, data);
  };
  const gridOptions = { results, lockSeconds: 1, continues: true, ...options };
  return runGrid(
    GRID,
    Array.from({ length: runners }, () => runner),
    gridOptions,
  );
}

/** Writes the claim of another process. */
function claim(results: string, cell: Cell, holder: object, ageSeconds = 0): string {
  const claims = claimsFolder(results, 'grid');
  mkdirSync(claims, { recursive: true });
  const file = join(claims, `${cellName(cell, data)}.1.claim`);
  writeFileSync(file, `${JSON.stringify(holder)}\n`);
  const time = Date.now() / 1000 - ageSeconds;
  utimesSync(file, time, time);
  return file;
}

const space = process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : '';

const ELSEWHERE = { pid: 1, host: 'elsewhere', space: '' };

describe('a grid', () => {
  it('in three shards runs each cell once, pruned ones after their learned ones, and has the results of one process', async () => {
    const [alone, together] = [newResults(), newResults()];
    const expected = await run(alone, []);
    const started: string[] = [];
    const shards = [0, 1, 2].map((index) => run(together, started, { shard: { index, count: 3 } }, 2));
    await Promise.all(shards);
    expect([...started].sort()).toEqual(CELLS.map(({ id }) => id).sort());
    for (const id of started.filter((each) => each.startsWith('pruned')))
      expect(started.indexOf(id)).toBeGreaterThan(started.indexOf(id.replace('pruned', 'learned')));
    expect(await storedResults(together, GRID)).toEqual(expected);
    expect(existsSync(claimsFolder(together, 'grid'))).toBe(false);
    expect(await run(together, started)).toEqual(expected);
    expect(started).toHaveLength(CELLS.length);
  });

  it.each([
    ['of this host that has ended, at once', { pid: 2 ** 22, host: hostname(), space }, 0],
    ['of another host whose claim is too old', ELSEWHERE, 5],
  ])('takes over the cell of a process %s', async (_, holder, age) => {
    const results = newResults();
    claim(results, CELLS[0], holder, age);
    const started: string[] = [];
    expect(await run(results, started)).toHaveLength(CELLS.length);
    expect(started[0]).toBe(CELLS[0].id);
  });

  it('leaves a cell to a process that renews its claim, and says so', async () => {
    const results = newResults();
    const file = claim(results, CELLS[0], ELSEWHERE);
    const renewal = setInterval(() => utimesSync(file, new Date(), new Date()), 100);
    const started: string[] = [];
    const found = await run(results, started, { shard: { index: 0, count: 2 } });
    clearInterval(renewal);
    expect(found).toHaveLength(CELLS.length - 1);
    expect(started).not.toContain(CELLS[0].id);
    expect((await gridState(results, GRID))[0]).toEqual({
      id: CELLS[0].id,
      progress: 'running',
      about: 'process 1 on elsewhere',
    });
  });

  it('tries a cell three times, reports its error and runs the rest; after a retry it is complete', async () => {
    const results = newResults();
    let tries = 0;
    const failing = async (cell: Cell) => {
      if (cell.id !== CELLS[3].id) return resultOf(cell, data);
      tries++;
      throw new EngineError({ what: 'the GPU is out of memory' });
    };
    const failed: string[] = [];
    const options = {
      ...{ results, continues: true },
      onFailure: ({ id }: Cell, error: string) => failed.push(`${id}: ${error}`),
    };
    expect(await runGrid(GRID, [failing], options)).toHaveLength(CELLS.length - 1);
    const message = `${CELLS[3].id}: the GPU is out of memory`;
    expect([tries, failed]).toEqual([3, [message]]);
    expect(await run(results, [], options)).toHaveLength(CELLS.length - 1);
    expect(failed).toEqual([message, message]);
    expect((await gridState(results, GRID)).filter(({ progress }) => progress === 'failed')).toHaveLength(1);
    expect(await new CellFailures(claimsFolder(results, 'grid')).clear()).toBe(1);
    expect(await run(results, [])).toHaveLength(CELLS.length);
    expect(existsSync(claimsFolder(results, 'grid'))).toBe(false);
  });

  it('that is cancelled ends with the cell under way, and runs again after a retry', async () => {
    const results = newResults();
    const failures = new CellFailures(claimsFolder(results, 'grid'));
    const untilStopped = async (_: Cell, signal: AbortSignal) => {
      await failures.cancel();
      while (!signal.aborted) await delay(20);
      throw new RunInterrupted({ step: 1, totalSteps: 2 }, true);
    };
    const cancelled = /^grid\.json: the experiment was cancelled; .*retry/;
    await expect(runGrid(GRID, [untilStopped], { results, lockSeconds: 1 })).rejects.toThrow(cancelled);
    await expect(run(results, [])).rejects.toThrow(cancelled);
    await failures.clear();
    expect(await run(results, [])).toHaveLength(CELLS.length);
  });
});

describe('the job of a cell', () => {
  it.each(CELLS.map((cell) => [cell.id, cell] as const).filter((_, at) => at < 6))(
    '%s gives the same cell elsewhere',
    (_, cell) => {
      const job = JSON.parse(JSON.stringify(jobOf(GRID, cell, 'hash')));
      const received = checkedJob(job, 'a job');
      expect(received.cell).toEqual(cell);
      expect(Object.keys(received.experiment.conditions)).toHaveLength(cell.condition === 'pruned' ? 2 : 1);
    },
  );

  it.each([
    ['other fields', { script: 'rm' }, /is not a cell of an experiment/],
    ['a folder outside', { experiment: { ...jobOf(GRID, CELLS[0], '').experiment, name: '../x' } }, /"name"/],
    [
      'an unknown setting',
      { experiment: { ...jobOf(GRID, CELLS[0], '').experiment, settings: { run: 1 } } },
      /unknown field "settings\.run"/,
    ],
    ['another cell', { cell: 'none_seed=9' }, /no cell "none_seed=9"/],
  ])('with %s is refused', (_, change, message) => {
    expect(() => checkedJob({ ...jobOf(GRID, CELLS[0], ''), ...change }, 'a job')).toThrow(message);
  });
});

it('a note names what differs between cells of two adapters', () => {
  const results = CELLS.map((cell, at) => resultOf(cell, data, at % 3 ? 'one' : 'two'));
  const machines = machinesOf(results);
  expect(machines.map(({ adapter, cells, seconds }) => [adapter, cells, seconds])).toEqual([
    ['one', 16, 32],
    ['two', 8, 16],
  ]);
  expect(mixtureNote(machines)).toMatch(
    /^These cells differ in: adapter, driver\. .*not claimed to be equal bit for bit/,
  );
  expect(mixtureNote(machinesOf(results.filter(({ adapter }) => adapter === 'one')))).toBe('');
});

describe('the shard of a Slurm array', () => {
  it.each([
    [{}, undefined],
    [{ SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_TASK_COUNT: '4', SLURM_ARRAY_TASK_MIN: '1' }, 2],
    [
      {
        ...{ SLURM_ARRAY_TASK_ID: '12', SLURM_ARRAY_TASK_COUNT: '4' },
        ...{ SLURM_ARRAY_TASK_MIN: '6', SLURM_ARRAY_TASK_STEP: '3' },
      },
      2,
    ],
  ])('%o is %s', (environment, index) => {
    expect(slurmShard(environment)?.index).toBe(index);
  });

  it('is refused where tasks are unevenly spaced', () => {
    const environment = { SLURM_ARRAY_TASK_ID: '7', SLURM_ARRAY_TASK_COUNT: '2', SLURM_ARRAY_TASK_MIN: '1' };
    expect(() => slurmShard(environment)).toThrow(/SLURM_ARRAY_TASK_ID: task 7 of 2/);
  });
});

it('grids leave no files but results', () => {
  const left = readdirSync(folder).filter((name) => name.startsWith('results-'));
  const files = left.flatMap((name) => readdirSync(join(folder, name, 'grid')));
  expect(files.filter((name) => name !== 'claims' && !name.endsWith('.json'))).toEqual([]);
});
