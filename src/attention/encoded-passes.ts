import type { Device } from '../gpu/device.js';
import { type BufferSlice, isOperand, isSameRecord } from '../gpu/pipelines.js';
import type { Recording } from '../gpu/recording.js';

/** What a pass depends on, beside the plan. */
interface Arguments {
  options: {
    heads: number;
    headDim: number;
    scale?: number;
    dropout?: { probability: number; seed: number };
  };
  buffers: Readonly<Record<string, GPUBuffer | BufferSlice | undefined>>;
}

interface EncodedPass extends Arguments {
  recording: Recording;
  /** `Device.retirements` before it was recorded. */
  retirements: number;
}

function isSame(one: Arguments, other: Arguments): boolean {
  const [{ heads, headDim, scale, dropout }, options] = [one.options, other.options];
  if (heads !== options.heads || headDim !== options.headDim || scale !== options.scale) return false;
  if (dropout?.probability !== options.dropout?.probability || dropout?.seed !== options.dropout?.seed)
    return false;
  return isSameRecord(one.buffers, other.buffers, isOperand);
}

/**
 * The recordings of one plan's passes, to be encoded again for the same arguments: the last one for each buffer that a pass writes.
 * None keeps buffers alive that it does not need, and none is used after a temporary buffer was replaced, which may be its own.
 */
export class EncodedPasses {
  private readonly passes = new WeakMap<object, EncodedPass>();

  constructor(private readonly device: Device) {}

  /** The recording of a pass with these arguments, which are not checked. */
  find(written: unknown, pass: Arguments): Recording | undefined {
    const last = this.passes.get(written as object);
    if (!last || last.retirements !== this.device.retirements) return undefined;
    return isSame(last, pass) ? last.recording : undefined;
  }

  /** Records a pass, and keeps its recording. */
  record(written: object, { options, buffers }: Arguments, record: () => Recording): Recording {
    const { retirements } = this.device;
    const recording = record();
    const dropout = options.dropout && { ...options.dropout };
    this.passes.set(written, {
      options: { ...options, dropout },
      buffers: { ...buffers },
      recording,
      retirements,
    });
    return recording;
  }
}
