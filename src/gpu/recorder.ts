import { EngineError } from '../base/errors.js';
import type { Device } from './device.js';
import { type KernelConstants, type KernelName, packParameters } from './kernel.js';
import { type BufferSlice, OFFSET_ALIGNMENT, type Operand, type Pipeline } from './pipelines.js';

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

interface RecordedDispatch {
  pipeline: Pipeline;
  operands: Operand[];
  parameterOffset: number;
  grid: [number, number, number];
}

type Command =
  | RecordedDispatch
  | { clear: BufferSlice }
  | { copy: { from: BufferSlice; to: BufferSlice; bytes: number } }
  | { texels: TexelCopy };

interface TexelCopy {
  from: GPUTexelCopyBufferInfo;
  to: GPUTexelCopyTextureInfo;
  size: GPUExtent3DDict;
}

/**
 * Collects dispatches and encodes them together: one compute pass and one uniform buffer for many kernels.
 */
export class Recorder {
  private commands: Command[] = [];
  private parameters = new DataView(new ArrayBuffer(16 * OFFSET_ALIGNMENT));
  private parameterBytes = 0;

  constructor(readonly device: Device) {}

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
  dispatch({ kernel, constants, buffers, parameters, grid }: Dispatch): void {
    const [x, y = 1, z = 1] = grid;
    if (x === 0 || y === 0 || z === 0) return;
    if (Math.max(x, y, z) > this.mostWorkgroups) {
      // A driver would drop such a dispatch, and its results would read as zeros.
      throw new EngineError({
        what: `a grid of ${x} x ${y} x ${z} workgroups`,
        where: `kernel ${kernel}`,
        expected: `at most ${this.mostWorkgroups} in each dimension`,
        remedy: 'use a smaller batch or a shorter sequence',
      });
    }
    const pipeline = this.device.pipelines.pipeline(kernel, constants);
    const operands = pipeline.kernel.bindings.map(({ name }) => {
      const operand = buffers[name];
      if (!operand)
        throw new EngineError({ what: `buffer "${name}" was not given`, where: `kernel ${kernel}` });
      return operand;
    });
    const parameterOffset = this.reserveParameters();
    packParameters(pipeline.kernel, parameters, this.parameters, parameterOffset);
    this.commands.push({ pipeline, operands, parameterOffset, grid: [x, y, z] });
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

  /**
   * Encodes all recorded commands into an encoder of the caller, who submits it at any time, and empties the recorder.
   */
  encodeInto(encoder: GPUCommandEncoder): void {
    this.encode(encoder, this.device.constantUniforms(this.packed()));
  }

  /** Submits all recorded commands as one command buffer, and empties the recorder. */
  submit(): void {
    const uniforms = this.device.sharedUniforms(this.parameterBytes);
    this.device.gpu.queue.writeBuffer(uniforms, 0, this.packed());
    const encoder = this.device.gpu.createCommandEncoder();
    this.encode(encoder, uniforms);
    this.device.submit(encoder);
  }

  private packed(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.parameters.buffer as ArrayBuffer, 0, this.parameterBytes);
  }

  private reserveParameters(): number {
    const offset = this.parameterBytes;
    this.parameterBytes += OFFSET_ALIGNMENT;
    if (this.parameterBytes > this.parameters.byteLength) {
      const larger = new Uint8Array(2 * this.parameters.byteLength);
      larger.set(new Uint8Array(this.parameters.buffer));
      this.parameters = new DataView(larger.buffer);
    }
    return offset;
  }

  private encode(encoder: GPUCommandEncoder, uniforms: GPUBuffer): void {
    const { pipelines, clock } = this.device;
    let pass: GPUComputePassEncoder | undefined;
    for (const command of this.commands) {
      if ('pipeline' in command) {
        const { pipeline, operands, parameterOffset, grid } = command;
        if (clock) pass?.end();
        if (clock) pass = encoder.beginComputePass(clock.passFor(pipeline.pipeline.label));
        else pass ??= encoder.beginComputePass();
        pass.setPipeline(pipeline.pipeline);
        pass.setBindGroup(0, pipelines.storageGroup(pipeline, operands));
        pass.setBindGroup(1, pipelines.parameterGroup(pipeline, uniforms), [parameterOffset]);
        pass.dispatchWorkgroups(...grid);
        continue;
      }
      pass?.end();
      pass = undefined;
      if ('clear' in command) {
        encoder.clearBuffer(command.clear.buffer, command.clear.offset, command.clear.size);
      } else if ('texels' in command) {
        const { from, to, size } = command.texels;
        encoder.copyBufferToTexture(from, to, size);
      } else {
        const { from, to, bytes } = command.copy;
        encoder.copyBufferToBuffer(from.buffer, from.offset ?? 0, to.buffer, to.offset ?? 0, bytes);
      }
    }
    pass?.end();
    this.commands = [];
    this.parameterBytes = 0;
  }
}
