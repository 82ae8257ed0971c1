import { type BufferSlice, isOperand } from '../gpu/pipelines.js';
import type { Recording } from '../gpu/recording.js';

/** What a pass depends on, beside the plan. */
interface Arguments {
  options: { heads: number; headDim: number; scale?: number };
  buffers: Readonly<Record<string, GPUBuffer | BufferSlice | undefined>>;
}

interface EncodedPass extends Arguments {
  recording: Recording;
}

function isSame(one: Arguments, other: Arguments): boolean {
  if (one.options.scale !== other.options.scale) return false;
  const [buffers, others] = [one.buffers, other.buffers];
  let more = 0;
  for (const name in buffers) {
    if (!isOperand(buffers[name], others[name])) return false;
    more++;
  }
  for (const _ in others) more--;
  return more === 0;
}

/**
 * The recordings of one plan's passes, to be encoded again for the same arguments: the last one for each buffer that a pass writes.
 * None keeps buffers alive that it does not need. They are of one shape, because for another the plan's temporary buffers may grow.
 */
export class EncodedPasses {
  private passes = new WeakMap<object, EncodedPass>();
  private shape = { heads: 0, headDim: 0 };

  /** The recording of a pass with these arguments, which are not checked. */
  find(written: unknown, pass: Arguments): Recording | undefined {
    const { heads, headDim } = pass.options;
    if (heads !== this.shape.heads || headDim !== this.shape.headDim) return undefined;
    const last = this.passes.get(written as object);
    return last && isSame(last, pass) ? last.recording : undefined;
  }

  add(written: GPUBuffer, { options, buffers }: Arguments, recording: Recording): void {
    const { heads, headDim } = options;
    if (heads !== this.shape.heads || headDim !== this.shape.headDim) {
      this.shape = { heads, headDim };
      this.passes = new WeakMap();
    }
    this.passes.set(written, { options: { ...options }, buffers: { ...buffers }, recording });
  }
}
