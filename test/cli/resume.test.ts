import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CASES } from '../support/arbitraries.js';
import { COMMAND, type CommandResult, commandEnvironment } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal, OURS } from './refusal.js';
import { DENSE, TINY, trainedModel, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

/** Eighteen steps. */
const RUN = '--lr 1e-2 --epochs 6 --evaluate-every 9 --checkpoint-every 4 --mask-tokens 0.1';

// Weights are larger than the files of the embedded driver, or the driver would meet the full disk first. Heads have 16
// dimensions, as in other tests, so that they share kernels.
const SHAPE = ['--hidden', '128', '--heads', '8', '--feed-forward', '128'];

const ARGUMENTS = ['train', '--data', 'data', ...DENSE, ...TINY, ...SHAPE, ...RUN.split(' ')];

/** Each process compiles its kernels. */
const KILLS = CASES > 1 ? 3 : 1;

beforeAll(() => writeTinyData(folder));

function changeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Runs the command, and kills it at a random moment after it has written a checkpoint. */
function killed(args: readonly string[], out: string): Promise<NodeJS.Signals | null> {
  const checkpoint = join(folder, out, 'checkpoint.safetensors');
  const before = changeOf(checkpoint);
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    env: commandEnvironment(),
    stdio: 'ignore',
  });
  const watch = setInterval(() => {
    if (changeOf(checkpoint) === before) return;
    clearInterval(watch);
    setTimeout(() => child.kill('SIGKILL'), 150 * Math.random());
  }, 2);
  return new Promise((resolve) => {
    child.on('exit', (_, signal) => {
      clearInterval(watch);
      resolve(signal);
    });
  });
}

/** The files of a finished run, without times and without the name of the folder. */
function resultOf(out: string): Record<string, string> {
  const timeless = (text: string) => text.replace(/,?"(seconds|tokensPerSecond)":[^,}]*/g, '');
  return Object.fromEntries(
    readdirSync(join(folder, out))
      .sort()
      .map((name) => {
        const content = readFileSync(join(folder, out, name));
        if (name === 'metrics.jsonl') return [name, timeless(content.toString())];
        if (name === 'training.json') return [name, content.toString().replace(/"command": .*/, '')];
        return [name, content.toString('base64')];
      }),
  );
}

/** Runs the command with a limit on the size of files, which fails as a full disk does. */
function runOnFullDisk(
  args: readonly string[],
  bytes: number,
): Promise<Pick<CommandResult, 'status' | 'stderr'>> {
  // POSIX counts in blocks of 512 bytes.
  const script = `ulimit -f ${Math.floor(bytes / 512)}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', script, process.execPath, COMMAND, ...args], {
    cwd: folder,
    env: { ...commandEnvironment(), POSIXLY_CORRECT: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stderr })));
}

describe('a run that is killed', () => {
  it('at random moments, and once finds the disk full, ends with the same bytes as one that is not', async () => {
    expect((await runHere([...ARGUMENTS, '--out', 'undisturbed'], { cwd: folder })).status).toBe(0);
    expect(await killed([...ARGUMENTS, '--out', 'out'], 'out')).toBe('SIGKILL');

    const checkpoint = readFileSync(join(folder, 'out/checkpoint.safetensors'));
    const weights = statSync(join(folder, 'undisturbed/model.safetensors')).size;
    const onFullDisk = await runOnFullDisk(['train', '--resume', 'out'], 2.5 * weights);
    expect(onFullDisk.stderr).toMatch(
      /\nparsimony: out.checkpoint\.safetensors: cannot be written \(EFBIG\); free some space.*\n$/,
    );
    expect(onFullDisk.stderr).not.toMatch(/^ +at /m);
    expect(onFullDisk.status).toBe(OURS);
    expect(
      readFileSync(join(folder, 'out/checkpoint.safetensors')).equals(checkpoint),
      'the last good one',
    ).toBe(true);

    for (let kill = 1; kill < KILLS; kill++) await killed(['train', '--resume', 'out'], 'out');
    const last = await runHere(['train', '--resume', 'out'], { cwd: folder });
    expect(last.status, last.stderr).toBe(0);
    expect(resultOf('out')).toEqual(resultOf('undisturbed'));
  });
});

describe('train --resume', () => {
  beforeAll(() => trainedModel(folder, 'finished'));

  it('of a finished run reports that, from any folder, and prints its result', async () => {
    const before = resultOf('finished');
    mkdirSync(join(folder, 'elsewhere'));
    const { status, stdout, stderr } = await runHere(['train', '--resume', '../finished'], {
      cwd: join(folder, 'elsewhere'),
    });
    expect(stderr).toMatch(/^The run in \.\.\/finished is finished: all of its 3 steps are done\.$/m);
    expect(stdout).toMatch(/^dev accuracy \d\.\d{4} \(epoch 1, step \d, saved in \.\.\/finished\)\n$/);
    expect(status).toBe(0);
    expect(resultOf('finished')).toEqual(before);
  });

  it('without a run is refused', async () => {
    const says = /^nowhere.training\.json: cannot be read \(ENOENT\); expected the folder of a training run/;
    expectRefusal(await runHere(['train', '--resume', 'nowhere'], { cwd: folder }), CALLER, says);
  });

  it('on data that has changed since, or on other data elsewhere, is refused', async () => {
    cpSync(join(folder, 'data'), join(folder, 'other'), { recursive: true });
    const resume = ['train', '--resume', 'finished', '--data', 'other'];
    expect((await runHere(resume, { cwd: folder })).status, 'the same elsewhere').toBe(0);
    appendFileSync(join(folder, 'other/train.tsv'), 'it is dull .\t0\n');
    const says = /^finished.training\.json: a run on other data; expected the sentences that were there/;
    expectRefusal(await runHere(resume, { cwd: folder }), CALLER, says);
  });
});
