import { describe, expect, it } from 'vitest';
import { attend } from '../../src/attention/attend.js';
import { Attention } from '../../src/attention/attention.js';
import { readFloats, STORAGE_USAGE, write } from '../../src/gpu/buffers.js';
import { type Device, openDevice } from '../../src/gpu/device.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { FAMILIES, testDevice } from '../support/device.js';
import { type AttentionCase, randomCase } from './random-case.js';

const GUARD = 64;

/** The caller's buffers of a case, in the plan's order; what the kernels write is poisoned, and so is what lies behind. */
function callersBuffers(
  device: Device,
  attention: Attention,
  { q, k, v, outputGradient, heads, headDim }: AttentionCase,
) {
  const width = heads * headDim;
  const buffer = (values: Float32Array) => {
    const guarded = new Float32Array(values.length + GUARD).fill(Number.NaN);
    guarded.set(values);
    const created = device.gpu.createBuffer({ size: guarded.byteLength, usage: STORAGE_USAGE });
    write(device, created, guarded);
    return created;
  };
  const sorted = (rows: Float32Array) => {
    const inOrder = new Float32Array(rows.length);
    attention.order.forEach((from, to) => {
      inOrder.set(rows.subarray(from * width, (from + 1) * width), to * width);
    });
    return buffer(inOrder);
  };
  const poisoned = (numbers: number) => buffer(new Float32Array(numbers).fill(Number.NaN));
  return {
    query: sorted(q),
    key: sorted(k),
    value: sorted(v),
    outputGradient: sorted(outputGradient),
    output: poisoned(q.length),
    logSumExp: poisoned(attention.tokens * heads),
    queryGradient: poisoned(q.length),
    keyGradient: poisoned(q.length),
    valueGradient: poisoned(q.length),
  };
}

describe.each(FAMILIES)('attention on the caller’s buffers, %s kernels', (family) => {
  it.each([8, 9, 10, 11, 13])(
    'writes every number of its results and none behind them, case %i',
    async (seed) => {
      const device = await testDevice(family);
      const shape = randomCase(seed);
      const attention = new Attention(device, shape);
      const buffers = callersBuffers(device, attention, shape);
      const encoder = device.gpu.createCommandEncoder();
      attention.encodeForward(encoder, shape, buffers);
      attention.encodeBackward(encoder, shape, buffers);
      device.submit([encoder.finish()]);

      const expected = await attend(device, shape);
      const width = shape.heads * shape.headDim;
      const results = {
        output: 'output',
        queryGradient: 'dq',
        keyGradient: 'dk',
        valueGradient: 'dv',
      } as const;
      for (const [name, key] of Object.entries(results)) {
        const values = await readFloats(
          device,
          buffers[name as keyof typeof results],
          shape.q.length + GUARD,
        );
        expect(values.subarray(shape.q.length).every(Number.isNaN), `${name}: guard`).toBe(true);
        const inverse = attention.inverseOrder;
        const inCallersOrder = Array.from(inverse, (row) => [
          ...values.slice(row * width, (row + 1) * width),
        ]).flat();
        expect(inCallersOrder, name).toEqual([...expected[key]!]);
      }
      attention.release();
    },
  );

  it('encodes two passes with different scales before either is submitted', async () => {
    const device = await testDevice(family);
    const shape = randomCase(6);
    const attention = new Attention(device, shape);
    const [first, second] = [
      callersBuffers(device, attention, shape),
      callersBuffers(device, attention, shape),
    ];
    const encoder = device.gpu.createCommandEncoder();
    attention.encodeForward(encoder, { ...shape, scale: 0.5 }, first);
    attention.encodeForward(encoder, { ...shape, scale: 0.1 }, second);
    device.submit([encoder.finish()]);
    const outputs = await Promise.all(
      [first, second].map(({ output }) => readFloats(device, output, shape.q.length)),
    );
    const expected = await Promise.all([0.5, 0.1].map((scale) => attend(device, { ...shape, scale })));
    const width = shape.heads * shape.headDim;
    outputs.forEach((values, index) => {
      const row = attention.inverseOrder[3];
      expect(values.slice(row * width, (row + 1) * width)).toEqual(
        expected[index].output.slice(3 * width, 4 * width),
      );
    });
    attention.release();
  });
});

describe('attention on the caller’s buffers', () => {
  it('runs on a device of the caller’s own, and leaves it open', async () => {
    const { gpu } = await testDevice();
    const device = await openDevice({ device: gpu });
    const shape = randomCase(5);
    const result = await attend(device, shape);
    device.close();
    expect(result).toEqual(await attend(await testDevice(), shape));
  });

  it('refuses a buffer that is too small', async () => {
    const device = await testDevice();
    const shape = randomCase(5);
    const attention = new Attention(device, shape);
    const buffers = callersBuffers(device, attention, shape);
    const small = device.gpu.createBuffer({ size: 16, usage: STORAGE_USAGE });
    const encoder = device.gpu.createCommandEncoder();
    const error = callerErrorOf(() => attention.encodeForward(encoder, shape, { ...buffers, output: small }));
    expect(error.message).toMatch(/^buffer output: 16 bytes; expected at least \d+$/);
    attention.release();
  });

  it('needs memory in proportion to the tokens', async () => {
    const device = await testDevice();
    const tagNames = Array.from({ length: 16 }, (_, index) => `t${index}`);
    const rules = {
      name: 'own',
      tags: tagNames,
      hard: tagNames.map((tag) => [tag, tag] as const),
      soft: [],
      beta: 0,
    };
    const [heads, headDim] = [1, 16];
    const peaks: number[] = [];
    for (const tokens of [4096, 8192, 16_384]) {
      const before = device.allocatedBytes;
      device.peakBytes = before;
      const tags = Array.from({ length: tokens }, (_, token) => tagNames[(token * 7) % 16]);
      const numbers = new Float32Array(tokens * heads * headDim).fill(0.1);
      const data = { q: numbers, k: numbers, v: numbers, outputGradient: numbers };
      const result = await attend(device, { ...data, heads, headDim, tags, rules, strategy: 'hard' });
      expect(result.output.every((x) => Math.abs(x - 0.1) < 1e-6)).toBe(true);
      peaks.push(device.peakBytes - before);
    }
    const perToken = peaks.map((peak, index) => Math.round(peak / (4096 << index)));
    console.log(
      `GPU memory of forward and backward at 4,096, 8,192, 16,384 tokens: ${peaks.join(', ')} bytes`,
    );
    expect(Math.max(...perToken) / Math.min(...perToken)).toBeLessThan(1.02);
  });
});
