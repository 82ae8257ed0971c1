import { describe, expect, it } from 'vitest';
import { attend } from '../../src/attention/attend.js';
import { Attention } from '../../src/attention/attention.js';
import { STORAGE_USAGE } from '../../src/gpu/buffers.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { type Family, testDevice } from '../support/device.js';
import { type GuardedBuffers, withBuffers } from '../support/guarded-buffers.js';
import { type AttentionCase, numbered, randomCase } from './random-case.js';
import { buffersOf } from './run-attention.js';

/** Runs a test with the plan of a case on the GPU, and then releases the plan. */
async function withAttention(
  attention: AttentionCase,
  family: Family,
  test: (attention: Attention, buffers: ReturnType<typeof buffersOf>, all: GuardedBuffers) => Promise<void>,
): Promise<void> {
  await withBuffers(async (buffers) => {
    const onDevice = new Attention(buffers.device, attention, attention.heads);
    await test(onDevice, buffersOf(buffers, onDevice.order, attention), buffers);
    onDevice.release();
  }, family);
}

/** Attention on buffers of the caller's, by a family of kernels. */
export function describeBuffers(family: Family): void {
  describe(`attention on the caller’s buffers, ${family} kernels`, () => {
    it('encodes two passes with different scales before either is submitted', async () => {
      const shape = randomCase('hard, some tags', 1);
      await withAttention(shape, family, async (attention, first, buffers) => {
        const second = buffersOf(buffers, attention.order, shape);
        const { device } = buffers;
        const encoder = device.gpu.createCommandEncoder();
        attention.encodeForward(encoder, { ...shape, scale: 0.5 }, first);
        attention.encodeForward(encoder, { ...shape, scale: 0.1 }, second);
        device.submit(encoder);
        for (const [scale, { output }] of [
          [0.5, first],
          [0.1, second],
        ] as const) {
          const width = shape.heads * shape.headDim;
          const inOrder = await buffers.read(output);
          const rows = Array.from(attention.inverseOrder, (row) => [
            ...inOrder.subarray(row * width, (row + 1) * width),
          ]);
          const alone = await attend(device, { ...shape, scale });
          expect(rows.flat()).toEqual([...alone.output]);
        }
      });
    });

    it('reads learned biases again in every pass', async () => {
      const shape = randomCase('learned', 5);
      await withAttention(shape, family, async (attention, first, buffers) => {
        const { device } = buffers;
        const second = buffersOf(buffers, attention.order, shape);
        const encoder = device.gpu.createCommandEncoder();
        const biasTable = buffers.input(shape.bias!.map((x) => -x));
        attention.encodeForward(encoder, shape, { ...first, biasTable });
        attention.encodeForward(encoder, shape, second);
        device.submit(encoder);
        const again = buffersOf(buffers, attention.order, shape);
        const alone = device.gpu.createCommandEncoder();
        attention.encodeForward(alone, shape, again);
        device.submit(alone);
        const outputs = await Promise.all([first, second, again].map(({ output }) => buffers.read(output)));
        expect(outputs[1]).toEqual(outputs[2]);
        expect(outputs[0]).not.toEqual(outputs[2]);
      });
    });
  });
}

/** What does not depend on the family. */
export function describeAnyBuffers(): void {
  describe('attention on the caller’s buffers', () => {
    it('runs on a device that the caller opened, and leaves it open', async () => {
      const { gpu } = await testDevice();
      const device = await openDevice({ device: gpu });
      const shape = randomCase('hard, some tags', 1);
      const result = await attend(device, shape);
      device.close();
      expect(result).toEqual(await attend(await testDevice(), shape));
    });

    it('refuses a buffer that is too small', async () => {
      await withAttention(
        randomCase('learned, causal', 5),
        'subgroup',
        async (attention, inputs, { device }) => {
          const small = device.gpu.createBuffer({ size: 4, usage: STORAGE_USAGE });
          const encoder = device.gpu.createCommandEncoder();
          const shape = randomCase('learned, causal', 5);
          for (const name of ['output', 'logSumExp', 'biasTable', 'biasGradient'] as const) {
            const { message } = callerErrorOf(() =>
              attention.encodeBackward(encoder, shape, { ...inputs, [name]: small }),
            );
            expect(message).toMatch(new RegExp(`^buffer ${name}: 4 bytes; expected at least \\d+$`));
          }
        },
      );
    });

    it('refuses more heads than a texture holds, where its kernels read textures', async (context) => {
      const device = await testDevice();
      if (!device.lanes) return context.skip();
      const [heads, headDim] = [device.longestTexture / 16 + 1, 64];
      const numbers = new Float32Array(heads * headDim);
      const data = { q: numbers, k: numbers, v: numbers };
      await expect(
        attend(device, { ...data, heads, headDim, lengths: [1], mask: AttentionMask.all() }),
      ).rejects.toThrow(
        `${heads} heads of 64 for 1 tokens; expected what a texture of ${device.longestTexture} texels a side holds`,
      );
    });

    it('needs memory in proportion to the tokens', async () => {
      const device = await testDevice();
      const tagNames = numbered(17);
      const rules = {
        name: 'same tag',
        tags: tagNames,
        hard: tagNames.map((tag) => [tag, tag] as const),
        soft: [],
        beta: 0,
      };
      const [heads, headDim] = [1, 16];
      const peaks: number[] = [];
      for (const tokens of [512, 1024, 2048]) {
        const before = device.allocatedBytes;
        device.peakBytes = before;
        const tags = Array.from({ length: tokens }, (_, token) => tagNames[(token * 7) % 17]);
        const numbers = new Float32Array(tokens * heads * headDim).fill(0.1);
        const data = { q: numbers, k: numbers, v: numbers, outputGradient: numbers };
        const result = await attend(device, {
          ...data,
          heads,
          headDim,
          tags,
          mask: AttentionMask.fromRules(rules),
        });
        expect(result.output.every((x) => Math.abs(x - 0.1) < 1e-6)).toBe(true);
        peaks.push(device.peakBytes - before);
      }
      const perToken = peaks.map((peak, index) => Math.round(peak / (512 << index)));
      console.log(
        `GPU memory of forward and backward at 512, 1,024, 2,048 tokens: ${peaks.join(', ')} bytes`,
      );
      expect(Math.max(...perToken) / Math.min(...perToken)).toBeLessThan(1.02);
    });
  });
}
