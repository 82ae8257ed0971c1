import { createStorage, readFloats, upload, write } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import type { ContenderBuffers } from './contender.js';
import type { Computed } from './gate.js';
import type { Inputs } from './inputs.js';

const INPUTS = ['query', 'key', 'value', 'outputGradient'] as const;
const RESULTS = ['output', 'queryGradient', 'keyGradient', 'valueGradient'] as const;

/** The buffers of an implementation, [tokens, heads, headDim] in the order of the implementation. */
export class ImplementationBuffers {
  readonly tensors: ContenderBuffers;
  private readonly numbers: number;

  /**
   * @param width Numbers of a token.
   * @param order The caller's index of each token; the caller's order by default.
   */
  constructor(
    private readonly device: Device,
    inputs: Inputs,
    private readonly width: number,
    private readonly order?: Uint32Array,
  ) {
    this.numbers = inputs.query.length;
    const results = RESULTS.map((name) => [name, createStorage(device, 4 * this.numbers, name)]);
    const uploaded = INPUTS.map((name) => [name, upload(device, this.sorted(inputs[name]), name)]);
    this.tensors = Object.fromEntries([...uploaded, ...results]);
  }

  /** Replaces the output gradient, in the caller's order. */
  writeOutputGradient(rows: Float32Array): void {
    write(this.device, this.tensors.outputGradient, this.sorted(rows));
  }

  /** Fills the results with NaN: what kernels do not write is then found. */
  poison(): void {
    const poison = new Float32Array(this.numbers).fill(Number.NaN);
    for (const name of RESULTS) write(this.device, this.tensors[name], poison);
  }

  /** The results in the caller's order; with `backward` the gradients too. */
  async read(backward: boolean): Promise<Computed> {
    const computed: Partial<Computed> = {};
    for (const name of backward ? RESULTS : (['output'] as const)) {
      const rows = await readFloats(this.device, this.tensors[name], this.numbers);
      computed[name] = this.permuted(rows, (callers, sorted) => [sorted, callers]);
    }
    return computed as Computed;
  }

  release(): void {
    for (const buffer of Object.values(this.tensors) as GPUBuffer[]) this.device.release(buffer);
  }

  private sorted(rows: Float32Array): Float32Array {
    return this.permuted(rows, (callers, sorted) => [callers, sorted]);
  }

  /** Copies each row to another position. @param positionsOf From and to, by a token's positions before and after sorting. */
  private permuted(
    rows: Float32Array,
    positionsOf: (callers: number, sorted: number) => [number, number],
  ): Float32Array {
    if (!this.order) return rows;
    const result = new Float32Array(rows.length);
    this.order.forEach((callers, sorted) => {
      const [from, to] = positionsOf(callers, sorted);
      result.set(rows.subarray(from * this.width, (from + 1) * this.width), to * this.width);
    });
    return result;
  }
}
