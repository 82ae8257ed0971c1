import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SMALL = ['--lengths', '48', '--heads', '1', '--head-dims', '16', '--repeats', '3'];

describe('parsimony bench', () => {
  const folder = temporaryFolder();

  it('attention writes its measurements as JSON and CSV, with the command that repeats it', async () => {
    const file = join(folder, 'attention.json');
    const csv = join(folder, 'attention.csv');
    const flags = [
      ...SMALL,
      '--strategies',
      'none,hard',
      '--passes',
      'forward',
      '--seconds',
      '0',
      '--json',
      file,
      '--csv',
      csv,
    ];
    const { status, stdout, stderr } = await runHere(['bench', 'attention', ...flags]);
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('(software)');
    const { environment, gate, rows } = JSON.parse(readFileSync(file, 'utf8'));
    expect(gate).toMatchObject({ passed: true, complaints: [] });
    expect(environment.adapter.kind).toMatch(/software/);
    expect(environment.command).toContain('bench attention --lengths 48');
    for (const name of ['none', 'hard']) {
      const row = rows.find(({ strategy }: { strategy: string }) => strategy === name);
      expect(row).toMatchObject({
        length: 48,
        heads: 1,
        headDim: 16,
        batch: 1,
        pass: 'forward',
        rules: 'paper',
      });
      expect(row.ratioLow).toBeLessThanOrEqual(row.ratioToDense);
      expect(row.ratioHigh).toBeGreaterThanOrEqual(row.ratioToDense);
      expect(row.realisedFraction).toBeCloseTo(row.realisedSpeedup / row.idealSpeedup);
      expect(row.boundFraction).toBeCloseTo(row.realisedSpeedup / row.boundSpeedup);
      expect(row.boundSpeedup).toBeLessThanOrEqual(row.idealSpeedup);
    }
    expect(readFileSync(csv, 'utf8').trimEnd().split('\r\n')).toHaveLength(1 + rows.length);
  });

  it('attention reads a config file, and flags override it', async () => {
    const config = join(folder, 'config.json');
    writeFileSync(
      config,
      '{ "lengths": [40], "heads": [1], "headDims": [16], "repeats": 2, "seconds": 0, "controls": false }',
    );
    const flags = [
      '--config',
      config,
      '--lengths',
      '32',
      '--strategies',
      'none',
      '--passes',
      'forward',
      '--json',
      '-',
    ];
    const { status, stdout, stderr } = await runHere(['bench', 'attention', ...flags]);
    expect(status, stderr).toBe(0);
    const { rows } = JSON.parse(stdout);
    expect(rows.map(({ length, repeats }: { length: number; repeats: number }) => [length, repeats])).toEqual(
      [[32, 2]],
    );
  });

  it.each([
    [
      ['--lengths', 'long'],
      "'--lengths <list>' argument 'long' is invalid. expected a list of numbers from 2 to 16384",
    ],
    [['--strategies', 'none,sparse'], "argument 'none,sparse' is invalid. expected a list of none, hard"],
    [['--head-dims', '18'], "argument '18' is invalid. expected a list of multiples of 4 from 16 to 128"],
    [['--config', 'missing.json'], 'missing.json'],
    [
      ['--labels', 'random:65'],
      'expected data, or a list of random:K, blocks:K, strided:K, with K from 1 to 64',
    ],
    [['--labels', 'random:4', '--rules', 'paper'], 'rules "paper" do not list label 0'],
    [['--labels', 'random:4', '--lengths', 'sentences'], 'sentences have the labels of their data'],
    [['--labels', 'random:4', '--data', 'sst2'], "cannot be used with option '--data <source>'"],
    [['--densities', '0.1,2'], "argument '0.1,2' is invalid. expected a list of numbers over 0 and up to 1"],
    [
      ['--lengths', '16384', '--batch', '1025'],
      '1025 sequences of 16384 tokens; expected at most 16777216 tokens',
    ],
    [['--contender', 'missing.mjs'], '--contender missing.mjs: the module cannot be loaded'],
  ])('attention refuses %j', async (flags, message) => {
    const { status, stderr } = await runHere(['bench', 'attention', ...flags]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('predict needs no GPU, and says that its figures are not measured', async () => {
    const flags = ['--lengths', '64,1024', '--batches', '1,2'];
    const { status, stdout, stderr } = await runHere(['bench', 'predict', ...flags]);
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('not measured');
    const { rows } = JSON.parse((await runHere(['bench', 'predict', ...flags, '--json'])).stdout);
    const speedups = rows.map(({ speedup }: { speedup: number }) => speedup);
    expect(speedups).toHaveLength(4);
    expect(speedups[0], 'a short document gains less than a long one').toBeLessThan(speedups[3]);
    for (const row of rows) expect(row.fraction).toBeCloseTo(row.speedup / row.idealSpeedup);
  });

  it('growth compares lengths with the shortest, in turns', async () => {
    const flags = ['--lengths', '96,24', '--heads', '1', '--head-dims', '16', '--repeats', '3'];
    const { status, stdout, stderr } = await runHere([
      'bench',
      'growth',
      ...flags,
      '--passes',
      'forward',
      '--json',
      '-',
    ]);
    expect(status, stderr).toBe(0);
    const { gate, rows } = JSON.parse(stdout);
    expect(gate).toMatchObject({ passed: true, complaints: [] });
    expect(rows.map(({ length }: { length: number }) => length)).toEqual([24, 96]);
    const [short, long] = rows;
    expect(short.ratioToShortest).toBe(1);
    expect(short.runsPerRepeat).toBe(Math.min(16, Math.round(long.usefulPairs / short.usefulPairs)));
    // The median over turns.
    const perPair = ({ timesMs, usefulPairs }: { timesMs: number[]; usefulPairs: number }) =>
      timesMs.map((time) => time / usefulPairs);
    const ratios = perPair(long).map((time, turn) => time / perPair(short)[turn]);
    expect(long.ratioToShortest).toBeCloseTo(ratios.sort((a, b) => a - b)[1]);
    expect(long.nsPerUsefulPair).toBeCloseTo((1e6 * long.medianMs) / long.usefulPairs);
    for (const { bytesPerToken } of rows) expect(bytesPerToken).toBeGreaterThan(4 * 16 * 8);
  });

  it('step reports what each strategy saves, kernel by kernel', async () => {
    const flags = ['--lengths', 'sentences', '--batch', '4', '--strategies', 'none,hard', '--repeats', '3'];
    const shape = ['--hidden', '32', '--heads', '2', '--layers', '1', '--feed-forward', '32'];
    const { status, stdout, stderr } = await runHere(['bench', 'step', ...flags, ...shape, '--json', '-']);
    expect(status, stderr).toBe(0);
    const { gate, rows } = JSON.parse(stdout);
    expect(gate.passed).toBe(true);
    expect(rows.map(({ strategy }: { strategy: string }) => strategy)).toEqual(['none', 'hard']);
    for (const { kernels, kernelsMs, medianMs, predictedSpeedup, stagesMs, planningShare } of rows) {
      expect(planningShare).toBeCloseTo((stagesMs.plan + stagesMs.upload) / medianMs);
      const names = kernels.map(({ kernel }: { kernel: string }) => kernel);
      for (const part of ['attention', 'linear', 'optimizer/adamw']) expect(names.join()).toContain(part);
      // In separate turns, which are several times slower where another process compiles meanwhile.
      expect(kernelsMs).toBeGreaterThan(medianMs / 30);
      expect(kernelsMs).toBeLessThan(30 * medianMs);
      expect(predictedSpeedup).toBeGreaterThan(0);
    }
  });

  it('profile writes a trace, and a list of the costliest kernels', async () => {
    const out = join(folder, 'trace.json');
    const shape = ['--hidden', '32', '--heads', '2', '--layers', '1', '--feed-forward', '32'];
    const { status, stdout, stderr } = await runHere([
      'profile',
      '--steps',
      '2',
      '--batch',
      '4',
      '--out',
      out,
      '--json',
      ...shape,
    ]);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout).costliest.length).toBeGreaterThan(5);
    const { traceEvents } = JSON.parse(readFileSync(out, 'utf8'));
    const steps = new Set(traceEvents.map(({ args }: { args: { step?: number } }) => args.step));
    expect([...steps].filter(Boolean)).toEqual([1, 2]);
    expect(existsSync(`${out}.part`)).toBe(false);
  });
});
