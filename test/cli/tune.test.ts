import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hashOf } from '../../src/base/hash.js';
import { testDevice } from '../support/device.js';
import type { CommandResult } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { TINY, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();
const env = { XDG_CACHE_HOME: join(folder, 'cache') };

beforeAll(() => writeTinyData(folder));

/** Training with measured kernels. */
function train(out: string, strategy = 'hard'): Promise<CommandResult> {
  const flags = TINY.filter((flag) => flag !== '--no-tune');
  const args = [
    'train',
    '--data',
    'data',
    ...flags,
    '--strategy',
    strategy,
    '--epochs',
    '1',
    '--max-length',
    '32',
  ];
  return runHere([...args, '--out', out], { cwd: folder, env });
}

function jsonOf(path: string) {
  return JSON.parse(readFileSync(join(folder, path), 'utf8'));
}

describe.runIf(process.platform === 'linux')('train without choices of kernels', () => {
  let first: CommandResult;

  beforeAll(async () => {
    first = await train('first');
    expect(first.status, first.stderr).toBe(0);
  });

  it('measures the variants, reports that, and stores the choices', async () => {
    expect(first.stderr).toMatch(
      /^Measuring the variants of the kernels for heads of 16, once on this adapter/m,
    );
    const cached = readdirSync(join(env.XDG_CACHE_HOME, 'parsimony'));
    const [file, ...others] = cached.filter((name) => name.startsWith('kernels-'));
    expect(others).toEqual([]);
    const { checksum, measurements, ...choices } = jsonOf(`cache/parsimony/${file}`);
    expect(checksum).toMatch(/^[0-9a-f]{16}$/);
    expect(measurements).toEqual({ 'sparse, up to 64': { noise: expect.any(Number), times: 1 } });
    expect(choices).toEqual(jsonOf('first/training.json').kernels);
  });

  it('stores the choices with the run and the model', async () => {
    const { kernels } = jsonOf('first/training.json');
    expect(kernels).toMatchObject({ headDim: 16, variants: { 'sparse, up to 64': expect.any(String) } });
    expect(jsonOf('first/config.json').parsimony.kernels).toEqual(kernels);
  });

  it('does not measure a second time after a quiet measurement, and gives the same weights', async () => {
    const cache = join(env.XDG_CACHE_HOME, 'parsimony');
    const file = join(cache, readdirSync(cache).find((name) => name.startsWith('kernels-'))!);
    const { checksum: _, ...choices } = JSON.parse(readFileSync(file, 'utf8'));
    const measurements = { 'sparse, up to 64': { noise: 0, times: 1 } };
    const hashed = [
      choices.adapter,
      16,
      Object.entries(choices.variants),
      Object.entries(measurements),
      null,
    ];
    writeFileSync(file, JSON.stringify({ ...choices, measurements, checksum: hashOf(hashed) }));
    const second = await train('second');
    expect(second.stderr).not.toMatch(/Measuring/);
    const weights = (model: string) => readFileSync(join(folder, model, 'model.safetensors'));
    expect(weights('second').equals(weights('first'))).toBe(true);
  });

  it('writes a model that can be evaluated', async () => {
    const args = ['evaluate', '--model', 'first', '--data', 'data', '--json'];
    expect((await runHere(args, { cwd: folder, env })).status).toBe(0);
  });
});

describe('train where there is one variant of the kernels', () => {
  it('checks that one, and measures nothing', async () => {
    const { isSoftware } = await testDevice();
    const { status, stderr } = await train('dense', 'none');
    expect(status, stderr).toBe(0);
    expect(/Measuring the variants/.test(stderr)).toBe(!isSoftware);
    const cached = readdirSync(join(env.XDG_CACHE_HOME, 'parsimony'));
    expect(cached.some((name) => name.startsWith('checked-'))).toBe(isSoftware);
  });
});

describe('train of a model that cannot run', () => {
  it('is refused before anything is measured', async () => {
    const shape = ['--hidden', '16', '--heads', '3', '--vocab', 'vocab.txt'];
    const args = ['train', '--data', 'data', ...shape, '--out', 'refused'];
    const { status, stderr } = await runHere(args, { cwd: folder, env });
    expect(status).toBe(2);
    expect(stderr).not.toMatch(/Measuring/);
  });
});

describe('tune', () => {
  it.each(['0', '18', 'x'])('refuses heads of %s', async (headDims) => {
    const { status, stderr } = await runHere(['tune', '--head-dims', headDims], { env });
    expect(status).toBe(2);
    expect(stderr).toMatch(/multiples of 4 from 16 to 128/);
  });
});
