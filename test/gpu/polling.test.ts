import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../../src/base/errors.js';
import { createStorage, readFloats, upload } from '../../src/gpu/buffers.js';
import { pollUntil } from '../../src/gpu/polling.js';
import { testDevice } from '../support/device.js';

describe('pollUntil', () => {
  it('returns what a promise resolves to, at once or later', async () => {
    expect(await pollUntil(Promise.resolve(7))).toBe(7);
    expect(await pollUntil(sleep(20, 'late'))).toBe('late');
  });

  it('rejects as the promise does', async () => {
    const error = new Error('no');
    await expect(pollUntil(Promise.reject(error))).rejects.toBe(error);
    await expect(pollUntil(sleep(20).then(() => Promise.reject(error)))).rejects.toBe(error);
  });

  it('lets other tasks run, and leaves the core idle between polls', async () => {
    let turns = 0;
    let ticking: NodeJS.Timeout | undefined;
    const before = process.cpuUsage();
    const began = performance.now();
    await pollUntil(
      new Promise<void>((resolve) => {
        ticking = setInterval(() => ++turns === 40 && resolve(), 10);
      }),
    );
    const { user, system } = process.cpuUsage(before);
    clearInterval(ticking);
    // Polling without a pause takes all of the time.
    expect((user + system) / 1000).toBeLessThan(0.6 * (performance.now() - began));
  });

  it('waits for work on the device, several at a time', async () => {
    const device = await testDevice();
    const buffers = [1, 2, 3].map((value) => upload(device, new Float32Array(1000).fill(value), 'test'));
    const read = await Promise.all(buffers.map((buffer) => readFloats(device, buffer, 1000)));
    expect(read.map((values) => [...new Set(values)])).toEqual([[1], [2], [3]]);
    for (const buffer of buffers) device.release(buffer);
  });
});

describe('a wait for the device', () => {
  it('rejects with the error of an earlier submit', async () => {
    const device = await testDevice();
    const buffer = createStorage(device, 16, 'test');
    const encoder = device.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, buffer, 8, 16);
    device.submit(encoder);
    await expect(device.settle()).rejects.toThrow(EngineError);
    device.release(buffer);
  });
});
