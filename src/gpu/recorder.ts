import { EngineError } from '../base/errors.js';
import type { Device } from './device.js';
import { type KernelConstants, type KernelName, packParameters } from './kernel.js';
import { type BoundKernel, type BufferSlice, isBound, OFFSET_ALIGNMENT, type Operand } from './pipelines.js';
import { type Command, Recording } from './recording.js';

export type Grid = readonly [x: number, y?: number, z?: number];

export interface Dispatch {
  kernel: KernelName;
  constants?: KernelConstants;
  /** A buffer or a texture for every binding that the kernel names. */
  buffers: Readonly<Record<string, Operand>>;
  /** A value for every field of the kernel's `struct Parameters`. */
  parameters: Readonly<Record<string, number>>;
  /** Workgroups in each dimension. A dispatch with a 0 in it is left out. */
  grid: Grid;
}

function emptyParameters(): DataView {
  return new DataView(new ArrayBuffer(16 * OFFSET_ALIGNMENT));
}

/** The kernels of a recording in their order. The next recording uses them, and their bind groups, where it repeats them. */
export class BoundKernels {
  private last: BoundKernel[] = [];
  private next: BoundKernel[] = [];

  /** Starts a recording. */
  restart(): void {
    this.last = this.next;
    this.next = [];
  }

  /** The next kernel of the recording: that of the last recording at this place, or a new one. */
  bind(
    { pipelines }: Device,
    { kernel, constants, buffers }: Pick<Dispatch, 'kernel' | 'constants' | 'buffers'>,
  ): BoundKernel {
    const last = this.last[this.next.length];
    const isRepeated = last !== undefined && isBound(last, kernel, constants, buffers);
    const bound = isRepeated ? last : pipelines.bind(kernel, constants, buffers);
    this.next.push(bound);
    return bound;
  }
}

/**
 * Collects dispatches and encodes them together: one compute pass, and one uniform buffer for the kernels whose parameters are too
 * many for immediate data.
 */
export class Recorder {
  private commands: Command[] = [];
  private parameters = emptyParameters();
  private parameterBytes = 0;
  private hasUniforms = false;

  /** @param bound The kernels of an earlier recording of the same work. */
  constructor(
    readonly device: Device,
    private readonly bound = new BoundKernels(),
  ) {
    bound.restart();
  }

  /** Workgroups that a dimension of a grid may have. */
  get mostWorkgroups(): number {
    return this.device.mostWorkgroups;
  }

  /** A grid for `count` workgroups, counted along x, then y: one dimension may be too short for them. */
  folded(count: number): Grid {
    if (count <= this.mostWorkgroups) return [count];
    const rows = Math.ceil(count / this.mostWorkgroups);
    return [Math.ceil(count / rows), rows];
  }

  /** A grid of `columns` by `rows` workgroups, whose rows are counted along y, then z. */
  foldedRows(columns: number, rows: number): Grid {
    const [y, z] = this.folded(rows);
    return [columns, y, z];
  }

  /**
   * Records one dispatch.
   * @throws EngineError where a buffer or a parameter is missing, or the grid is larger than WebGPU allows.
   */
  dispatch(dispatch: Dispatch): void {
    const [x, y = 1, z = 1] = dispatch.grid;
    if (x === 0 || y === 0 || z === 0) return;
    if (Math.max(x, y, z) > this.mostWorkgroups) {
      // A driver would drop such a dispatch, and its results would read as zeros.
      throw new EngineError({
        what: `a grid of ${x} x ${y} x ${z} workgroups`,
        where: `kernel ${dispatch.kernel}`,
        expected: `at most ${this.mostWorkgroups} in each dimension`,
        remedy: 'use a smaller batch or a shorter sequence',
      });
    }
    const kernel = this.bound.bind(this.device, dispatch);
    const { pipeline } = kernel;
    const parametersAt = this.reserveParameters(pipeline.immediateBytes);
    packParameters(pipeline.kernel, dispatch.parameters, this.parameters, parametersAt);
    this.commands.push({ kernel, parametersAt, x, y, z });
  }

  /** Records that a buffer, or a part of it, is set to zero. */
  clear(slice: BufferSlice): void {
    this.commands.push({ clear: slice });
  }

  /** Records a copy between buffers. Offsets and bytes are multiples of four. */
  copy(from: BufferSlice, to: BufferSlice, bytes: number): void {
    this.commands.push({ copy: { from, to, bytes } });
  }

  /** Records a copy of rows of f32 vectors, `bytesPerRow` apart (a multiple of 256), into a part of a texture. */
  copyToTexture(
    { buffer, offset = 0 }: BufferSlice,
    bytesPerRow: number,
    texture: GPUTexture,
    origin: GPUOrigin3DDict,
    size: GPUExtent3DDict,
  ): void {
    if (size.height === 0) return;
    this.commands.push({
      texels: { from: { buffer, offset, bytesPerRow }, to: { texture, origin }, size },
    });
  }

  /** All recorded commands, to be encoded any number of times. Empties the recorder. */
  recording(): Recording {
    const uniforms = this.hasUniforms ? this.device.constantUniforms(this.packed()) : undefined;
    return this.recorded(uniforms);
  }

  /** Submits all recorded commands as one command buffer, and empties the recorder. */
  submit(): void {
    let uniforms: GPUBuffer | undefined;
    if (this.hasUniforms) {
      uniforms = this.device.sharedUniforms(this.parameterBytes);
      this.device.gpu.queue.writeBuffer(uniforms, 0, this.packed());
    }
    const encoder = this.device.gpu.createCommandEncoder();
    this.recorded(uniforms).encode(encoder);
    this.device.submit(encoder);
  }

  private packed(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.parameters.buffer as ArrayBuffer, 0, this.parameterBytes);
  }

  private recorded(uniforms: GPUBuffer | undefined): Recording {
    const { device, commands, parameters } = this;
    this.commands = [];
    this.parameters = emptyParameters();
    this.parameterBytes = 0;
    this.hasUniforms = false;
    return new Recording(device, commands, parameters.buffer as ArrayBuffer, uniforms);
  }

  /** Room for the parameters of a dispatch. @param immediateBytes 0 for a uniform. */
  private reserveParameters(immediateBytes: number): number {
    const isUniform = immediateBytes === 0;
    const offset = isUniform
      ? OFFSET_ALIGNMENT * Math.ceil(this.parameterBytes / OFFSET_ALIGNMENT)
      : this.parameterBytes;
    this.parameterBytes = offset + (isUniform ? OFFSET_ALIGNMENT : immediateBytes);
    this.hasUniforms ||= isUniform;
    if (this.parameterBytes > this.parameters.byteLength) {
      const larger = new Uint8Array(2 * this.parameters.byteLength);
      larger.set(new Uint8Array(this.parameters.buffer));
      this.parameters = new DataView(larger.buffer);
    }
    return offset;
  }
}
