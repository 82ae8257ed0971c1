import { EngineError } from '../base/errors.js';
import { readKernel } from './kernel.js';

/** The first count: not 0, because 0 is the content after a dropped copy. */
const FIRST_COUNT = 0x5eed;

/** Checks a count that was read. @throws EngineError where it is not the expected one. */
export type CountCheck = (read: ArrayBuffer) => void;

/**
 * Counts the submits of a device on the GPU (kernels/canary.wesl) and on the host. The counts differ where a driver dropped a submit
 * without an error: everything that is read afterwards is then wrong.
 */
export class Canary {
  /** Bytes of a count. */
  static readonly BYTES = 4;
  private submits = 0;
  private gpuPart: { count: GPUBuffer; pipeline: GPUComputePipeline; group: GPUBindGroup } | undefined;

  constructor(private readonly gpu: GPUDevice) {}

  /** Adds the counting dispatch to a command buffer that will be submitted, as its last command. */
  mark(encoder: GPUCommandEncoder): void {
    const { pipeline, group } = this.made;
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
    pass.end();
    this.submits++;
  }

  /**
   * Records a copy of the count, after all command buffers marked so far, to the start of a buffer.
   * @returns A function that checks the copied bytes.
   */
  copyCount(encoder: GPUCommandEncoder, to: GPUBuffer): CountCheck {
    encoder.copyBufferToBuffer(this.made.count, 0, to, 0, Canary.BYTES);
    const { submits } = this;
    const expected = (FIRST_COUNT + submits) >>> 0;
    return (read) => {
      const [found] = new Uint32Array(read, 0, 1);
      if (found === expected) return;
      const lost = (expected - found) >>> 0;
      const what =
        found >= FIRST_COUNT && lost <= submits
          ? `the GPU driver dropped ${lost} of ${submits} submits without an error`
          : 'the GPU driver dropped a submit without an error';
      throw new EngineError({
        what: `${what}, so that results are wrong`,
        remedy: 'start again; where it happens again, update the driver or choose another with --adapter',
      });
    };
  }

  private get made() {
    this.gpuPart ??= this.make();
    return this.gpuPart;
  }

  private make() {
    const label = 'canary';
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    const count = this.gpu.createBuffer({ label, size: Canary.BYTES, usage, mappedAtCreation: true });
    new Uint32Array(count.getMappedRange())[0] = FIRST_COUNT;
    count.unmap();
    const module = this.gpu.createShaderModule({ label, code: readKernel('canary').code });
    const compute = { module, entryPoint: 'main' };
    const pipeline = this.gpu.createComputePipeline({ label, layout: 'auto', compute });
    const entries = [{ binding: 0, resource: { buffer: count } }];
    const group = this.gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return { count, pipeline, group };
  }
}
