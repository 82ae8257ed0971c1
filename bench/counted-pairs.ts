import { DevicePlan, type PassWords } from '../src/attention/device-plan.js';
import { paddedChannels } from '../src/attention/families/matrix.js';
import type { AttentionConfig } from '../src/attention/passes.js';
import { type BackwardBuffers, recordBackward, recordForward } from '../src/attention/record.js';
import { readFloats, type Tensor } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { Recorder } from '../src/gpu/recorder.js';
import type { Layout } from '../src/plan/layout.js';

/** Pairs that the kernels counted while they multiplied, padding included: per head, the mean where heads differ. */
export interface CountedPairs {
  /** Pairs of the forward kernel. */
  forward: number;
  /** Pairs of the kernel of query gradients; null where only the forward pass was counted. */
  queryGradient: number | null;
  /** Pairs of the kernel of key and value gradients. */
  keyValueGradient: number | null;
}

/** Multiply-adds of one unit of a kernel's count. */
const UNIT = 16;

/** Multiply-adds that a vector of a pair's score takes. */
const VECTOR = 4;

/**
 * Runs a plan with kernels that count in their loops instead of multiplying, and adds up the counts. The contents of `output` and
 * the gradients are lost.
 */
export async function countedPairs(
  device: Device,
  layout: Layout,
  shape: AttentionConfig,
  buffers: BackwardBuffers,
  backward: boolean,
): Promise<CountedPairs> {
  const sums = { forward: 0, queryGradient: 0, keyValueGradient: 0 };
  // One plan for each group of heads: each writes its counts to the start of the output.
  for (const headLayout of layout.heads) {
    const part = new DevicePlan(device);
    part.write({ ...layout, heads: [headLayout] }, shape.heads);
    const recorder = new Recorder(device);
    recordForward(recorder, part, shape, buffers, true);
    if (backward) recordBackward(recorder, part, shape, buffers, true);
    recorder.submit();
    const vectors = vectorsOf(part, shape);
    const [{ query, key }] = part.words.at.heads;
    const sum = (buffer: Tensor, { items }: PassWords) => {
      return sumOfCounts(device, buffer, items * (headLayout.heads?.length ?? shape.heads), vectors);
    };
    sums.forward += await sum(buffers.output, query);
    if (backward) {
      sums.queryGradient += await sum(buffers.queryGradient, query);
      sums.keyValueGradient += await sum(buffers.keyGradient, key);
    }
    part.release();
  }
  const { heads } = shape;
  return {
    forward: sums.forward / heads,
    queryGradient: backward ? sums.queryGradient / heads : null,
    keyValueGradient: backward ? sums.keyValueGradient / heads : null,
  };
}

/** Vectors of a query, padding included. */
function vectorsOf(part: DevicePlan, { heads, headDim }: AttentionConfig): number {
  if (part.family.roundsOperands) return paddedChannels(headDim) / 4;
  return part.family.readsPanels ? part.panels('query', heads, headDim).vectors : headDim / 4;
}

async function sumOfCounts(
  device: Device,
  buffer: Tensor,
  workgroups: number,
  vectors: number,
): Promise<number> {
  const counts = await readFloats(device, buffer, 4 * workgroups);
  let multiplyAdds = 0;
  for (let workgroup = 0; workgroup < workgroups; workgroup++) {
    multiplyAdds += UNIT * counts[4 * workgroup];
  }
  return multiplyAdds / (VECTOR * vectors);
}
