import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Attention, type AttentionOptions } from '../../src/attention/attention.js';
import { createStorage, STORAGE_USAGE } from '../../src/gpu/buffers.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { testDevice } from '../support/device.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const SHAPE = { heads: 1, headDim: 16 };
const TOKENS = 4;

/** A device around the tests' GPU that records, by weak references, which bind groups were made for it. */
async function watchedDevice() {
  const { gpu } = await testDevice();
  const made: WeakRef<GPUBindGroup>[] = [];
  const watched = new Proxy(gpu, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const result = value.apply(target, args);
        if (name === 'createBindGroup') made.push(new WeakRef(result));
        return result;
      };
    },
  });
  return { device: await openDevice({ device: watched }), made };
}

/** Lets finalizers run, and counts the objects that are left. */
async function alive(objects: readonly WeakRef<object>[]): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    collectGarbage();
  }
  return objects.filter((each) => each.deref()).length;
}

describe('bind groups', () => {
  it('are made once for buffers that are reused, and are freed with buffers that are not', async () => {
    const { device, made } = await watchedDevice();
    const attention = new Attention(device, { lengths: [TOKENS], mask: AttentionMask.all() });
    const fresh = () => device.gpu.createBuffer({ size: 4 * TOKENS * SHAPE.headDim, usage: STORAGE_USAGE });
    const buffersOf = () => ({
      query: fresh(),
      key: fresh(),
      value: fresh(),
      output: fresh(),
      logSumExp: fresh(),
    });
    /** Encodes a forward pass, which is never submitted. */
    const encode = (buffers: ReturnType<typeof buffersOf>, shape: AttentionOptions = SHAPE) => {
      const encoder = device.gpu.createCommandEncoder();
      attention.encodeForward(encoder, shape, buffers);
      encoder.finish();
    };
    const reused = buffersOf();
    encode(reused);
    const ofOneCall = made.length;
    for (let call = 0; call < 10; call++) encode({ ...reused });
    expect(made.length, 'bind groups of eleven calls on the same buffers').toBe(ofOneCall);
    encode(reused, { ...SHAPE, scale: 2 });
    expect(made.length, 'a call with another scale is recorded').toBeGreaterThan(ofOneCall);
    // A temporary buffer of the recording may be the one that is replaced.
    encode(reused);
    const before = made.length;
    device.retire(createStorage(device, 16, 'outgrown'));
    encode(reused);
    expect(made.length, 'a call after a buffer was replaced is recorded').toBeGreaterThan(before);

    // Some buffers are reused, as a model's are, and some are new: bind groups of both must be freed.
    for (let call = 0; call < 500; call++) {
      encode(buffersOf());
      encode({ ...reused, output: fresh() });
      encode({ ...reused, query: fresh() });
    }
    expect(made.length).toBeGreaterThan(1500);
    expect(await alive(made), 'bind groups held after 1,514 calls').toBeLessThanOrEqual(2 * ofOneCall);
    encode(reused);
    expect(made.filter((each) => each.deref()).length).toBeLessThanOrEqual(2 * ofOneCall);
    attention.release();
    device.close();
  });
});
