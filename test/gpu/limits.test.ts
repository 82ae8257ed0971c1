import { describe, expect, it } from 'vitest';
import { EngineError } from '../../src/base/errors.js';
import { createStorage } from '../../src/gpu/buffers.js';
import { Recorder } from '../../src/gpu/recorder.js';
import { testDevice } from '../support/device.js';

function engineErrorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    return (error as Error).message;
  }
  return 'no error';
}

describe('before a driver drops work over the limits of an adapter,', () => {
  it.each([
    [[65_536], '65536 x 1 x 1'],
    [[1, 65_536], '1 x 65536 x 1'],
    [[1, 1, 65_536], '1 x 1 x 65536'],
  ] as const)('a grid of %j workgroups is refused', async (grid, named) => {
    const device = await testDevice();
    expect(device.mostWorkgroups).toBe(65_535);
    const buffer = createStorage(device, 16, 'numbers');
    const recorder = new Recorder(device);
    const dispatch = (size: readonly [number, number?, number?]) =>
      recorder.dispatch({
        kernel: 'optimizer/add',
        buffers: { addend: buffer, sum: buffer },
        parameters: { vectors: 1 },
        grid: size,
      });
    expect(engineErrorOf(() => dispatch(grid))).toBe(
      `kernel optimizer/add: a grid of ${named} workgroups; expected at most 65535 in each dimension; ` +
        'use a smaller batch or a shorter sequence',
    );
    const largest = grid.map((count) => Math.min(count, 65_535)) as unknown as [number, number?, number?];
    expect(engineErrorOf(() => dispatch(largest))).toBe('no error');
    device.release(buffer);
  });

  it('a kernel that counts in two dimensions gets a grid that fits', async () => {
    const recorder = new Recorder(await testDevice());
    expect(recorder.folded(65_535)).toEqual([65_535]);
    expect(recorder.folded(65_536)).toEqual([32_768, 2]);
    expect(recorder.foldedRows(3, 65_535)).toEqual([3, 65_535, undefined]);
    expect(recorder.foldedRows(3, 65_536)).toEqual([3, 32_768, 2]);
    expect(recorder.folded(0)).toEqual([0]);
  });

  it('a buffer over the smaller of its two limits is refused', async () => {
    const device = await testDevice();
    const { maxBufferSize, maxStorageBufferBindingSize } = device.gpu.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const before = device.allocatedBytes;
    for (const bytes of [limit + 1, 2 * limit, 2 ** 45]) {
      expect(engineErrorOf(() => createStorage(device, bytes, 'hidden'))).toBe(
        `buffer "hidden": out of memory: ${16 * Math.ceil(bytes / 16)} bytes asked for; expected at most ${limit} bytes, ` +
          "the adapter's limit for one buffer; use a smaller batch, fewer heads or a shorter sequence",
      );
    }
    expect(device.allocatedBytes).toBe(before);
    await device.settle();
  });
});
