import type { Device } from './device.js';
import type { BoundKernel, BufferSlice } from './pipelines.js';

interface RecordedDispatch {
  kernel: BoundKernel;
  /** The offset of its parameters among those of all dispatches, in bytes. */
  parametersAt: number;
  x: number;
  y: number;
  z: number;
}

export type Command =
  | RecordedDispatch
  | { clear: BufferSlice }
  | { copy: { from: BufferSlice; to: BufferSlice; bytes: number } }
  | { texels: { from: GPUTexelCopyBufferInfo; to: GPUTexelCopyTextureInfo; size: GPUExtent3DDict } };

/** Commands with all that they need, which can be encoded any number of times. */
export class Recording {
  constructor(
    private readonly device: Device,
    private readonly commands: readonly Command[],
    private readonly parameters: ArrayBuffer,
    private readonly uniforms: GPUBuffer | undefined,
  ) {}

  /** Encodes all commands, consecutive dispatches as one compute pass, or each as its own where the device has a clock. */
  encode(encoder: GPUCommandEncoder): void {
    const { clock } = this.device;
    let pass: GPUComputePassEncoder | undefined;
    let pipeline: GPUComputePipeline | undefined;
    for (const command of this.commands) {
      if (!('kernel' in command) || clock) {
        pass?.end();
        pass = undefined;
      }
      if ('kernel' in command) {
        if (!pass) {
          pass = encoder.beginComputePass(clock?.passFor(command.kernel.pipeline.pipeline.label));
          pipeline = undefined;
        }
        if (pipeline !== command.kernel.pipeline.pipeline) {
          pipeline = command.kernel.pipeline.pipeline;
          pass.setPipeline(pipeline);
        }
        this.dispatch(pass, command);
      } else if ('clear' in command) {
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
  }

  private dispatch(pass: GPUComputePassEncoder, { kernel, parametersAt, x, y, z }: RecordedDispatch): void {
    const { pipelines } = this.device;
    pass.setBindGroup(0, pipelines.storageGroup(kernel));
    const { immediateBytes } = kernel.pipeline;
    if (immediateBytes > 0) pass.setImmediates(0, this.parameters, parametersAt, immediateBytes);
    else pass.setBindGroup(1, pipelines.parameterGroup(this.uniforms!), [parametersAt]);
    pass.dispatchWorkgroups(x, y, z);
  }
}
