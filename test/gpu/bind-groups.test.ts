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
      return (...given: unknown[]) => {
        const result = value.apply(target, given);
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
  it('are made once for buffers that are used again, and are freed with the others', async () => {
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
    const kept = buffersOf();
    encode(kept);
    const ofOneCall = made.length;
    for (let call = 0; call < 10; call++) encode({ ...kept });
    expect(made.length, 'bind groups of eleven calls on the same buffers').toBe(ofOneCall);
    encode(kept, { ...SHAPE, scale: 2 });
    expect(made.length, 'a call with another scale is recorded').toBeGreaterThan(ofOneCall);
    // A temporary buffer of the recording may be the one that is replaced.
    encode(kept);
    const before = made.length;
    device.retire(createStorage(device, 16, 'outgrown'));
    encode(kept);
    expect(made.length, 'a call after a buffer was replaced is recorded').toBeGreaterThan(before);

    // Some buffers stay, as a model's do, and some are new: neither may keep bind groups of both alive.
    for (let call = 0; call < 500; call++) {
      encode(buffersOf());
      encode({ ...kept, output: fresh() });
      encode({ ...kept, query: fresh() });
    }
    expect(made.length).toBeGreaterThan(1500);
    expect(await alive(made), 'bind groups held after 1,514 calls').toBeLessThanOrEqual(2 * ofOneCall);
    encode(kept);
    expect(made.filter((each) => each.deref()).length).toBeLessThanOrEqual(2 * ofOneCall);
    attention.release();
    device.close();
  });
});
