import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { H200 } from '../../bench/h200.js';
import { type SimulatedMachine, timeOfItems, type WorkItem } from '../../bench/schedule-model.js';

const items = (count: number, steps: number): WorkItem[] =>
  Array.from({ length: count }, () => ({ steps, step: { alone: 3, busy: 2 } }));
const norm = (alone: number, busy: number) => Math.sqrt(Math.sqrt(alone ** 4 + busy ** 4));

describe('the model of a schedule', () => {
  const machine: SimulatedMachine = {
    multiprocessors: 4,
    resident: 2,
    sharesBeforehand: false,
    dispatch: 0,
    item: 0,
  };

  it('lets latencies overlap until the units are busy', () => {
    expect(timeOfItems([], machine)).toBe(0);
    expect(timeOfItems(items(1, 5), machine)).toBeCloseTo(5 * norm(3, 2));
    expect(timeOfItems(items(4, 5), machine), 'one on each').toBeCloseTo(5 * norm(3, 2));
    expect(timeOfItems(items(8, 5), machine), 'two on each').toBeCloseTo(5 * norm(3, 4));
  });

  it('runs what does not fit in a further wave, and a late long workgroup alone', () => {
    expect(timeOfItems(items(9, 5), machine)).toBeCloseTo(5 * norm(3, 4) + 5 * norm(3, 2));
    const late = timeOfItems([...items(8, 1), ...items(1, 10)], machine);
    expect(late).toBeCloseTo(norm(3, 4) + 10 * norm(3, 2));
    expect(timeOfItems([...items(1, 10), ...items(8, 1)], machine)).toBeLessThan(late);
  });

  it('leaves threads idle after their share where work is shared out beforehand', () => {
    const threads: SimulatedMachine = { ...machine, multiprocessors: 2, resident: 1, sharesBeforehand: true };
    const uneven = [...items(4, 10), ...items(4, 1)];
    expect(timeOfItems(uneven, threads)).toBeCloseTo(40 * norm(3, 2));
    expect(timeOfItems(uneven, { ...threads, sharesBeforehand: false })).toBeCloseTo(22 * norm(3, 2));
  });
});

describe('the description of the H200', () => {
  /** The measured kernels, of 2026-11-27: steps of 32 columns, masks from tables, a dispatch for global tokens. */
  const STEP = 32;
  const TIMES = {
    dense: { alone: 3.1, busy: 1.86, resident: 4 },
    sparse: { alone: 4.2, busy: 1.7, resident: 3 },
    masked: { alone: 4.7, busy: 1.7, resident: 3 },
    globalToken: { alone: 7.5, busy: 0.4, resident: 2 },
  };
  const HEADS = 8;
  const forAllHeads = (ofHead: readonly WorkItem[]) => Array.from({ length: HEADS }, () => ofHead).flat();
  const time = (ofHead: readonly WorkItem[], resident: number) =>
    H200.dispatch + timeOfItems(forAllHeads(ofHead), { ...H200, resident });

  const read = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
  /** The tiles of these rows as they were planned: rows, padded columns, whether masked, whether a global token. */
  const planned: { strategy: string; length: number; tiles: number[][] }[] = read(
    '../../bench/results/attention-h200-tiles.json',
  );
  const { rows } = read('../../bench/results/attention-h200.json');
  const measured = (strategy: string, length: number) =>
    rows.find(
      (row: { strategy: string; length: number; pass: string }) =>
        row.strategy === strategy && row.length === length && row.pass === 'forward',
    );

  it.each([512, 1024, 4096])('reproduces dense attention of %i tokens within 10 %%', (length) => {
    const tiles = Array.from({ length: length / 32 }, () => ({ steps: length / STEP, step: TIMES.dense }));
    const ratio = time(tiles, TIMES.dense.resident) / (1000 * measured('none', length).gpuMedianMs);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.1);
  });

  it.each(planned)('reproduces $strategy of $length tokens within 10 %', ({ strategy, length, tiles }) => {
    const { executedPairs, gpuMedianMs } = measured(strategy, length);
    const stepsOf = (columns: number) => Math.ceil(columns / STEP);
    const executed = tiles.map(([count, columns, , isGlobal]) =>
      isGlobal ? columns : 8 * Math.ceil(count / 8) * STEP * stepsOf(columns),
    );
    expect(executed.reduce((a, b) => a + b, 0)).toBe(executedPairs);
    const regular = tiles
      .filter(([, , , isGlobal]) => !isGlobal)
      .map(([, columns, isMasked]) => ({
        steps: stepsOf(columns),
        step: TIMES[isMasked ? 'masked' : 'sparse'],
      }));
    const globalTokens = tiles
      .filter(([, , , isGlobal]) => isGlobal)
      .map(([, columns]) => ({ steps: Math.ceil(columns / 128), step: TIMES.globalToken }));
    const ratio =
      (time(regular, TIMES.sparse.resident) + time(globalTokens, TIMES.globalToken.resident)) /
      (1000 * gpuMedianMs);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.1);
  });

  // TFLOP/s of the trial with 64 columns a step (docs/kernel-trials.md).
  it.each([
    [1024, 8, 23.4],
    [4096, 8, 28.7],
    [1024, 64, 26.8],
  ])(
    'reproduces the trial of the present dense kernel, %i tokens and %i heads',
    (length, heads, teraflops) => {
      const { resident, dense } = H200.kernels[0];
      const tiles = Array.from({ length: (heads * length) / 32 }, () => ({
        steps: length / 64,
        step: dense,
      }));
      const microseconds = H200.dispatch + timeOfItems(tiles, { ...H200, resident });
      const flops = 4 * 64 * heads * length ** 2;
      expect(Math.abs(flops / microseconds / 1e6 / teraflops - 1)).toBeLessThan(0.1);
    },
  );
});
