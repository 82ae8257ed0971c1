import { describe, expect, it } from 'vitest';
import { measureLimits } from '../../bench/limits.js';
import { timeInTurns } from '../../bench/timing.js';
import { costliest, type ProfiledStep, traceEvents } from '../../bench/trace.js';
import { createStorage } from '../../src/gpu/buffers.js';
import { Recorder } from '../../src/gpu/recorder.js';
import { KernelClock } from '../../src/gpu/timestamps.js';
import { testDevice } from '../support/device.js';

describe('timing', () => {
  it('times each dispatch in turns with a clock, and the whole in turns without', async () => {
    const device = await testDevice();
    expect(KernelClock.isSupported(device.gpu)).toBe(true);
    const output = createStorage(device, 4 * 64 * 64, 'sums');
    // Milliseconds of each run by the wall, with the kernel clock and without.
    const runs = { clocked: [] as number[], unclocked: [] as number[] };
    const work = (rounds: number) => async () => {
      const began = performance.now();
      const isClocked = device.clock !== undefined;
      const recorder = new Recorder(device);
      recorder.dispatch({
        kernel: 'peaks/multiply_add',
        buffers: { output },
        parameters: { rounds, factor: 0.5, addend: 0.5 },
        grid: [64],
      });
      recorder.submit();
      await device.finish();
      runs[isClocked ? 'clocked' : 'unclocked'].push(performance.now() - began);
    };
    const clock = new KernelClock(device);
    device.clock = clock;
    const implementations = [
      { name: 'much', run: work(4000) },
      { name: 'little', run: work(40) },
    ];
    const [much, little] = await timeInTurns(implementations, { repeats: 5, seed: 1, device });
    expect(device.clock).toBe(clock);
    clock.release();
    device.clock = undefined;
    device.release(output);
    expect([runs.clocked.length, runs.unclocked.length]).toEqual([4, 10]);
    for (const { wall, gpu, kernels } of [much, little]) {
      expect([wall.length, gpu.length]).toEqual([5, 2]);
      expect([...kernels.keys()]).toEqual(['peaks/multiply_add']);
      expect(Math.min(...gpu)).toBeGreaterThan(0);
    }
    // The GPU's time of a run is part of the same run's time of the wall. Load slows both.
    const sorted = (times: readonly number[]) => [...times].sort((a, b) => a - b);
    const walls = sorted(runs.clocked);
    sorted([...much.gpu, ...little.gpu]).forEach((time, at) => {
      expect(time).toBeLessThanOrEqual(walls[at]);
    });
    // A hundred times the work; other work of the machine may hide most of it, but not all.
    expect(Math.min(...much.gpu)).toBeGreaterThan(2 * Math.min(...little.gpu));
  });

  it('measures limits that are numbers, and dense attention in the same turns as the best product', async () => {
    // Small products, so that the test is short.
    const cubes = [192, 384].map((size) => ({ rows: size, inputs: size, outputs: size }));
    const { limits, shares } = await measureLimits(await testDevice('wide'), {
      lengths: [128],
      repeats: 1,
      products: cubes,
    });
    for (const [name, value] of Object.entries(limits)) {
      if (value !== null) expect(value, name).toBeGreaterThan(0);
    }
    // Nearly equal where the machine is idle. A wrong unit or a forgotten factor of the size would be far off.
    expect(limits.multiplyAddGflops).toBeGreaterThan(0.1 * limits.matrixProductGflops);
    const { products, dense, gate } = shares;
    expect(limits.matrixProductGflops).toBe(Math.max(...products.map(({ gflops }) => gflops)));
    expect(gate).toMatchObject({ passed: true, complaints: [] });
    expect(dense.map(({ length }) => length)).toEqual([128]);
    // With a single turn, the median of the ratios is the ratio of the medians.
    expect(dense[0].shareOfPeak).toBeCloseTo(dense[0].gflops / limits.matrixProductGflops, 12);
    expect(dense[0].shareOfPeak).toBeLessThan(1);
  });
});

const STEP: ProfiledStep = {
  step: 1,
  stages: [
    { name: 'plan', begin: 100, end: 101 },
    { name: 'wait', begin: 101, end: 110 },
  ],
  kernels: [
    { label: 'attention/wide/sparse_forward {"LANES":4}', begin: 1e6, end: 3e6 },
    { label: 'linear/forward {}', begin: 3e6, end: 4e6 },
  ],
  pairCounts: { useful: 30, executed: 40, executedTransposed: 50, dense: 100 },
  heads: 2,
  headDim: 16,
};

describe('a trace', () => {
  const events = traceEvents('test', [STEP]);
  const kernels = events.filter(({ cat }) => cat === 'kernel');

  it('names its process and tracks, and has every stage and kernel on one', () => {
    const tracks = new Map(
      events.filter(({ name }) => name === 'thread_name').map(({ tid, args }) => [tid, args.name]),
    );
    const shown = events.filter(({ ph }) => ph === 'X').map(({ name, tid }) => [name, tracks.get(tid)]);
    expect(shown).toEqual([
      ['plan', 'plan'],
      ['wait', 'wait'],
      ['attention/wide/sparse_forward', 'kernels'],
      ['linear/forward', 'kernels'],
    ]);
  });

  it('places the last kernel so that it ends with the wait, in microseconds from the first stage', () => {
    expect(kernels.map(({ ts, dur }) => [ts, dur])).toEqual([
      [7000, 2000],
      [9000, 1000],
    ]);
  });

  it('has the pairs of attention kernels, and of no others', () => {
    expect(kernels[0].args).toMatchObject({ usefulPairs: 30, executedPairs: 40, densePairs: 100 });
    // Two products of 16 numbers a pair and head, in 2 ms.
    expect(kernels[0].args.executedGflops).toBeCloseTo((2 * 2 * 16 * 2 * 40) / 0.002 / 1e9);
    expect(kernels[1].args).not.toHaveProperty('usefulPairs');
  });

  it('adds up the costliest kernels by step', () => {
    const costs = costliest(traceEvents('test', [STEP, { ...STEP, step: 2 }]));
    expect(costs).toEqual([
      { kernel: 'attention/wide/sparse_forward', dispatches: 1, ms: 2, share: 2 / 3 },
      { kernel: 'linear/forward', dispatches: 1, ms: 1, share: 1 / 3 },
    ]);
  });
});
