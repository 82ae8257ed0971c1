import { expect } from 'vitest';
import { countedPairs } from '../../bench/counted-pairs.js';
import type { AttendResult } from '../../src/attention/attend.js';
import { DevicePlan } from '../../src/attention/device-plan.js';
import { tilesOn } from '../../src/attention/kernel-choices.js';
import type { AttentionConfig } from '../../src/attention/passes.js';
import { recordBackward, recordForward } from '../../src/attention/record.js';
import { write } from '../../src/gpu/buffers.js';
import type { Layout } from '../../src/plan/layout.js';
import { inverseOf } from '../../src/plan/tag-runs.js';
import type { TileConfig } from '../../src/plan/tiles.js';
import type { Family } from '../support/device.js';
import { type GuardedBuffers, poisonWords, withBuffers } from '../support/guarded-buffers.js';
import { type AttentionCase, rulesOf } from './random-case.js';

/** A plan whose temporaries are full of NaN, so that a kernel that expects zeros, or the result of an earlier pass, fails. */
class PoisonedPlanBuffers extends DevicePlan {
  override temporary(name: string, floats: number): GPUBuffer {
    const buffer = super.temporary(name, floats);
    write(this.device, buffer, poisonWords(buffer.size / 4));
    return buffer;
  }
}

function gathered(rows: Float32Array, order: Uint32Array, width: number): Float32Array {
  const result = new Float32Array(rows.length);
  order.forEach((from, to) => {
    result.set(rows.subarray(from * width, (from + 1) * width), to * width);
  });
  return result;
}

/** The buffers of a case, in the plan's order. */
export function buffersOf(buffers: GuardedBuffers, order: Uint32Array, attention: AttentionCase) {
  const { q, k, v, outputGradient, bias, heads, headDim } = attention;
  const sorted = (rows: Float32Array) => buffers.input(gathered(rows, order, heads * headDim));
  const entries = heads * rulesOf(attention, 0).tags.length ** 2;
  return {
    query: sorted(q),
    key: sorted(k),
    value: sorted(v),
    outputGradient: sorted(outputGradient),
    output: buffers.output(q.length),
    logSumExp: buffers.output(order.length * heads),
    queryGradient: buffers.output(q.length),
    keyGradient: buffers.output(q.length),
    valueGradient: buffers.output(q.length),
    ...(bias && { biasTable: buffers.input(bias) }),
    ...(attention.strategy !== 'none' && { biasGradient: buffers.output(entries) }),
  };
}

/** Expects that the kernels multiply the number of pairs that a layout of the case says, counted in the kernels. */
export async function expectPlannedPairs(
  buffers: GuardedBuffers,
  layout: Layout,
  attention: AttentionCase,
): Promise<void> {
  const inputs = buffersOf(buffers, layout.order, attention);
  const { executed, executedTransposed } = layout.pairCounts;
  expect(await countedPairs(buffers.device, layout, attention, inputs, true)).toEqual({
    forward: executed,
    queryGradient: executed,
    keyValueGradient: executedTransposed,
  });
}

/**
 * Computes a case on guarded buffers and returns what `attend` would. The outputs hold poison beforehand. It fails where a
 * kernel wrote past the end of a buffer.
 * @param config Changes to the tiles of the device's plans.
 */
export async function runAttention(
  attention: AttentionCase,
  family: Family,
  config: Partial<TileConfig> = {},
): Promise<AttendResult> {
  let result: AttendResult | undefined;
  await withBuffers(async (buffers, recorder) => {
    const tiles = tilesOn(buffers.device, attention.kernels, attention.precision);
    const layout = attention.mask.layout(attention, (...args) => ({ ...tiles(...args), ...config }));
    const onDevice = new PoisonedPlanBuffers(buffers.device);
    onDevice.write(layout, attention.heads);
    const tensors = buffersOf(buffers, layout.order, attention);
    const { heads, headDim, scale, dropout } = attention;
    const shape: AttentionConfig = { heads, headDim, scale, dropout };
    recordForward(recorder, onDevice, shape, tensors);
    recordBackward(recorder, onDevice, shape, tensors);
    recorder.submit();
    const inverse = inverseOf(layout.order);
    const rows = async (buffer: GPUBuffer, width = heads * headDim) =>
      gathered(await buffers.read(buffer), inverse, width);
    result = {
      output: await rows(tensors.output),
      logSumExp: await rows(tensors.logSumExp, heads),
      dq: await rows(tensors.queryGradient),
      dk: await rows(tensors.keyGradient),
      dv: await rows(tensors.valueGradient),
      ...(tensors.biasGradient && { dBias: await buffers.read(tensors.biasGradient) }),
    };
    onDevice.release();
  }, family);
  return result!;
}
