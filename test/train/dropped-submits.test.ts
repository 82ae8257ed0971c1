import { afterEach, describe, expect, it, vi } from 'vitest';
import { attend } from '../../src/attention/attend.js';
import { EngineError } from '../../src/base/errors.js';
import { createStorage, readFloats, upload, verifySubmits } from '../../src/gpu/buffers.js';
import type { Device } from '../../src/gpu/device.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { KernelClock } from '../../src/gpu/timestamps.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { testAdapter, testDevice } from '../support/device.js';
import { dropSubmits } from '../support/dropped-submits.js';
import { logitsOf, smallModel, TEXTS, withModel } from './models.js';

let opened: Device[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const device of opened) device.close();
  opened = [];
});

/** A device that counts its submits from 0, so that submits that one test drops do not fail the next. */
async function newDevice(): Promise<Device> {
  const { gpu } = await testDevice();
  const device = await openDevice({ device: gpu, checked: true });
  opened.push(device);
  return device;
}

const EXAMPLES = TEXTS.flatMap((text) =>
  [0, 1, 2].map((i) => ({ text: text.slice(0, 20 + 3 * i), label: i % 2 })),
);

const DROPPED =
  /^the GPU driver dropped (\d+ of \d+ submits|a submit) without an error.*; start again;.* --adapter$/;

/** Expects an action to end with the one line about dropped submits. */
async function expectRefused(action: Promise<unknown>): Promise<void> {
  const error = await action.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  expect(error.message).toMatch(DROPPED);
}

describe('a submit that the driver drops without an error', () => {
  it('is reported with the number of dropped submits, wherever something is read', async () => {
    const device = await newDevice();
    const buffer = upload(device, Float32Array.of(1, 2, 3, 4), 'test');
    for (let submit = 0; submit < 3; submit++) device.submit(device.gpu.createCommandEncoder());
    expect(await readFloats(device, buffer, 4)).toEqual(Float32Array.of(1, 2, 3, 4));
    dropSubmits(device, (index) => index === 1);
    for (let submit = 0; submit < 3; submit++) device.submit(device.gpu.createCommandEncoder());
    await expect(readFloats(device, buffer, 4)).rejects.toThrow('dropped 1 of 7 submits without an error');
    await expect(verifySubmits(device)).rejects.toThrow(DROPPED);
    device.release(buffer);
  });

  it('is reported where it is the copy to the host, or the first submit', async () => {
    const device = await newDevice();
    const buffer = createStorage(device, 16, 'test');
    dropSubmits(device, (index) => index === 0);
    await expectRefused(readFloats(device, buffer, 4));
    await expectRefused(verifySubmits(device));
    device.release(buffer);
  });

  it('is reported where all are dropped', async () => {
    const device = await newDevice();
    dropSubmits(device, () => true);
    await expectRefused(verifySubmits(device));
    await expectRefused(verifySubmits(device));
  });

  it('ends attention', async () => {
    const device = await newDevice();
    dropSubmits(device, (index) => index === 0);
    const [q, k, v] = [1, 2, 3].map((value) => new Float32Array(32).fill(value));
    await expectRefused(
      attend(device, { q, k, v, mask: AttentionMask.all(), heads: 1, headDim: 16, lengths: [2] }),
    );
  });

  it('ends a prediction', async () => {
    const device = await newDevice();
    await withModel(smallModel('hard', {}, device), async (model) => {
      dropSubmits(device, (index) => index === 0);
      await expectRefused(logitsOf(model));
    });
  });

  it('ends an evaluation', async () => {
    const device = await newDevice();
    await withModel(smallModel('hard', {}, device), async (model) => {
      dropSubmits(device, (index) => index === 0);
      await expectRefused(model.evaluate(EXAMPLES));
    });
  });

  it.each([
    ['one of a step', (index: number) => index === 2],
    ['the last of all', (index: number) => index === 3],
    ['all', () => true],
    ['all from the third on', (index: number) => index >= 2],
  ])('ends a training: %s', async (_, isDropped) => {
    const device = await newDevice();
    await withModel(smallModel('guided', {}, device), async (model) => {
      dropSubmits(device, isDropped);
      const hook = vi.fn();
      const hooks = { onEvaluation: hook, onEpoch: hook, onCheckpoint: hook };
      await expectRefused(
        model.train(EXAMPLES, EXAMPLES, { epochs: 1, batchSize: 3, gradientAccumulationSteps: 2 }, hooks),
      );
      expect(hook, 'no wrong result is reported').not.toHaveBeenCalled();
    });
  });

  it('ends a reading of the clock of kernels', async () => {
    const device = await newDevice();
    if (!KernelClock.isSupported(device.gpu)) return;
    const clock = new KernelClock(device);
    dropSubmits(device, (index) => index === 0);
    const encoder = device.gpu.createCommandEncoder();
    encoder.beginComputePass(clock.passFor('nothing')).end();
    device.submit(encoder);
    await expectRefused(clock.read());
    clock.release();
  });
});

describe('an error that the driver reports', () => {
  it('is reported as that error, not as a dropped submit', async () => {
    // On a separate GPU device: an error outside of any scope reaches every test that shares a device.
    const device = await openDevice({ adapter: testAdapter() });
    const buffer = createStorage(device, 16, 'test');
    const encoder = device.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, buffer, 8, 16);
    device.submit(encoder);
    await expect(readFloats(device, buffer, 4)).rejects.toThrow(/the GPU driver refused a command/);
    device.close();
  });
});
