import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { REQUEUE_CODES, stoppable } from '../../src/cli/stopping.js';
import { RunInterrupted } from '../../src/train/interruption.js';
import { prepareResumedRun } from '../../src/train/prepare-run.js';
import type { CommandResult } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal } from './refusal.js';
import { glueText, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

const EXPERIMENT = {
  name: 'tiny',
  settings: {
    data: 'data',
    epochs: 1,
    batchSize: 8,
    hidden: 32,
    feedForward: 32,
    layers: 1,
    maxLength: 32,
    vocab: 'vocab.txt',
    evaluationsPerEpoch: 1,
    attentionDropout: 0,
    tune: false,
    trainExamples: 10,
    until: 0.01,
  },
  conditions: {
    none: { strategy: 'none' },
    learned: { strategy: 'learned' },
    'learned, pruned': { strategy: 'hard', rules: 'pruned:learned' },
    'random rules': { strategy: 'hard', rules: 'random', tagNoise: 'shuffled' },
  },
  grid: { seed: [1] },
  comparisons: [['learned, pruned', 'none']],
  range: ['random rules', 'none'],
};

function experiment(...flags: string[]): Promise<CommandResult> {
  return runHere(['experiment', 'tiny.json', ...flags], { cwd: folder });
}

function results(): Map<string, string> {
  const resultFolder = join(folder, 'experiments/results/tiny');
  return new Map(
    readdirSync(resultFolder).map((file) => [file, readFileSync(join(resultFolder, file), 'utf8')]),
  );
}

/** A result without its timings. */
function timeless(text: string) {
  return { ...JSON.parse(text), seconds: 0, tokensPerSecond: 0 };
}

beforeAll(async () => {
  writeTinyData(folder);
  writeFileSync(
    join(folder, 'data/test.tsv'),
    glueText([
      ['it is dull .', '0'],
      ['it is funny .', '1'],
    ]),
  );
  writeFileSync(join(folder, 'tiny.json'), JSON.stringify(EXPERIMENT));
});

describe('experiment', () => {
  let first: CommandResult;

  beforeAll(async () => {
    first = await experiment();
    expect(first.status, first.stderr).toBe(0);
  });

  it('runs every cell, stores its result, and prints the table', async () => {
    expect([...results().keys()].sort()).toEqual([
      'learned-pruned_seed=1.json',
      'learned_seed=1.json',
      'none_seed=1.json',
      'random-rules_seed=1.json',
    ]);
    expect(first.stdout).toMatch(/condition .*pairs .*best dev accuracy/);
    expect(first.stdout).toMatch(
      /^learned, pruned - none +test accuracy .* exploratory; too few seeds: 1 of 10/m,
    );
    const { best, final, test, density, settings } = JSON.parse(results().get('learned-pruned_seed=1.json')!);
    expect(best.marks).toMatch(/^[01]+$/);
    expect(final.marks).toHaveLength(best.marks.length);
    expect(test.marks).toMatch(/^[01]{2}$/);
    expect(density).toBeLessThan(1);
    expect(settings).not.toHaveProperty('data');
  });

  it('trains on the number of examples that it sets, also when a run is resumed', async () => {
    const { run } = await prepareResumedRun(join(folder, 'runs/tiny/none_seed=1'));
    expect(run.data.train).toHaveLength(10);
    expect(run.data.dev).toHaveLength(6);
  });

  it('prunes rules from the run of the same seed', async () => {
    const rules = JSON.parse(
      readFileSync(join(folder, 'runs/tiny/learned-pruned_seed=1/rules.json'), 'utf8'),
    );
    expect(rules.heads).toHaveLength(1);
    expect(rules.heads[0]).toHaveLength(2);
  });

  it('skips finished cells, and runs cells without a result again, to the same bits', async () => {
    const before = results();
    rmSync(join(folder, 'runs/tiny/none_seed=1'), { recursive: true });
    rmSync(join(folder, 'experiments/results/tiny/none_seed=1.json'));
    const finished = join(folder, 'experiments/results/tiny/learned_seed=1.json');
    const written = statSync(finished).mtimeMs;
    const [pruned] = [...before.keys()].filter((file) => file.includes('pruned'));
    rmSync(join(folder, 'experiments/results/tiny', pruned));
    const { status, stderr } = await experiment('--only', 'none,learned,learned, pruned');
    expect(status, stderr).toBe(0);
    expect(statSync(finished).mtimeMs).toBe(written);
    for (const file of ['none_seed=1.json', pruned])
      expect(timeless(results().get(file)!)).toEqual(timeless(before.get(file)!));
  });

  it('--only with an unknown condition is refused', async () => {
    const says =
      /^--only: no condition "unpruned"; expected among: none; learned; learned, pruned; random rules$/;
    expectRefusal(await experiment('--only', 'none,unpruned'), CALLER, says);
  });

  it('--jobs runs cells in other processes, to the same bits, and says what is missing', async () => {
    const flags = ['--jobs', '1', '--results', 'others', '--out', 'other-runs'];
    const { status, stdout, stderr } = await experiment(...flags, '--only', 'none');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^machine .* tokens\/s\n.* 1 .*\n/m);
    const other = readFileSync(join(folder, 'others/tiny/none_seed=1.json'), 'utf8');
    expect(timeless(other)).toEqual(timeless(results().get('none_seed=1.json')!));
    expect((await experiment('--table', '--results', 'others')).stdout).toContain(
      'Missing: 3 of 4 cells\n  learned_seed=1: waiting\n',
    );
  });

  it.each(['experiments/embedded.json', 'embedded'])(
    'finds an experiment that comes with the package, and its results: %s',
    async (name) => {
      const { status, stdout, stderr } = await runHere(['experiment', name, '--table'], { cwd: folder });
      expect(status).toBe(0);
      expect(stderr).toContain(
        `${name} is not here: reading the experiment of that name that comes with the package.`,
      );
      expect(stdout).toMatch(/^condition .*\nnone /m);
    },
  );

  it('reports an experiment that does not exist', async () => {
    const { status, stderr } = await runHere(['experiment', 'experiments/nowhere.json'], { cwd: folder });
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('experiments/nowhere.json');
  });

  it('prints the table of existing results without running anything', async () => {
    const { status, stdout, stderr } = await experiment('--table', '--json');
    expect(status, stderr).toBe(0);
    const { tables } = JSON.parse(stdout);
    expect(tables).toHaveLength(1);
    expect(tables[0].conditions.map(({ condition }: { condition: string }) => condition)).toEqual(
      Object.keys(EXPERIMENT.conditions),
    );
    expect((await experiment('--table', '--markdown')).stdout).toMatch(/^\| condition \| pairs \|/m);
  });

  it.each([
    [
      'an unknown setting',
      { settings: { ...EXPERIMENT.settings, learningrate: 1 } },
      /wrong\.json:1: unknown field "settings\.learningrate"; expected one of: data, /,
    ],
    ['no data', { settings: { tune: false } }, /no data/],
    [
      'a value of the wrong type',
      { settings: { ...EXPERIMENT.settings, epochs: 'many' } },
      /wrong\.json:1: "settings\.epochs" is "many"; expected a whole number from 1 to 1000000/,
    ],
    [
      'rules pruned from an unknown condition',
      {
        conditions: { one: { rules: 'pruned:two', strategy: 'hard' } },
        comparisons: [],
        range: ['one', 'one'],
      },
      /rules pruned from "two"/,
    ],
  ])('refuses %s in one line, before it runs anything', async (_, change, message) => {
    writeFileSync(join(folder, 'wrong.json'), JSON.stringify({ ...EXPERIMENT, ...change, name: 'wrong' }));
    const { status, stderr } = await runHere(['experiment', 'wrong.json'], { cwd: folder });
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('wrong.json');
    expect(existsSync(join(folder, 'runs/wrong'))).toBe(false);
  });
});

describe.skipIf(process.platform === 'win32')('an experiment that is signalled', () => {
  it.each([
    ['SIGTERM', 75],
    ['SIGUSR1', 75],
    ['SIGINT', 130],
  ] as const)('by %s ends with exit code %i after its checkpoint', async (signal, exitCode) => {
    const untilStopped = (stop: AbortSignal) =>
      new Promise((_, reject) => {
        stop.addEventListener('abort', () => reject(new RunInterrupted({ step: 1, totalSteps: 2 }, true)));
        process.kill(process.pid, signal);
      });
    await expect(stoppable(untilStopped, () => 'continue', REQUEUE_CODES)).rejects.toMatchObject({
      exitCode,
    });
  });
});
