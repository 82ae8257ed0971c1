import { beforeAll, describe, expect, it } from 'vitest';
import { type Tuning, tune } from '../../bench/tuner.js';
import { adapterKey, kernelVariants, tilesOn } from '../../src/attention/kernel-choices.js';
import type { Device } from '../../src/gpu/device.js';
import { testDevice } from '../support/device.js';
import { quickTurns } from '../support/quick-turns.js';

describe('tuning', () => {
  let device: Device;
  let tuning: Tuning;
  const notes: string[] = [];

  beforeAll(async () => {
    device = await testDevice();
    const once = quickTurns();
    tuning = await tune(device, {
      headDim: 16,
      longest: 64,
      kinds: ['sparse'],
      onNote: (line) => notes.push(line),
    });
    once.mockRestore();
  });

  it('measures every variant of the classes that were asked for', () => {
    const names = kernelVariants(device, 'sparse').map(({ name }) => name);
    expect(tuning.rows.map(({ variant }) => variant)).toEqual(names);
    expect(new Set(tuning.rows.map(({ choice }) => choice))).toEqual(new Set(['sparse, up to 64']));
    for (const { medianMs } of tuning.rows) expect(medianMs).toBeGreaterThan(0);
    expect(notes).toEqual(['measuring kernels: sparse, up to 64 tokens']);
  });

  it('chooses one, which matched float64, and never a slower one', () => {
    const chosen = tuning.rows.filter(({ isChosen }) => isChosen);
    expect(chosen).toHaveLength(1);
    expect(chosen[0].gate?.passed).toBe(true);
    expect(chosen[0].ratio).toBeLessThanOrEqual(1);
    expect(tuning.choices).toEqual({
      adapter: adapterKey(device),
      headDim: 16,
      variants: { 'sparse, up to 64': chosen[0].variant },
    });
    const tile = kernelVariants(device, 'sparse').find(({ name }) => name === chosen[0].variant)!.tile;
    expect(tilesOn(device, tuning.choices)('sparse', [20, 30])).toEqual(tile);
  });
});
