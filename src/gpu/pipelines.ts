import { type Kernel, type KernelConstants, type KernelName, readKernel } from './kernel.js';

/** A part of a buffer: all of it where `offset` and `size` are left out. Offsets are multiples of 256 bytes. */
export interface BufferSlice {
  buffer: GPUBuffer;
  offset?: number;
  size?: number;
}

export interface Pipeline {
  kernel: Kernel;
  pipeline: GPUComputePipeline;
  storageLayout: GPUBindGroupLayout;
  parameterLayout: GPUBindGroupLayout;
}

/** WebGPU lets every adapter ask for this alignment of uniform and storage offsets. */
export const OFFSET_ALIGNMENT = 256;

/** Pipelines by kernel and constants, and bind groups by pipeline and buffers, each made once per device. */
export class PipelineCache {
  private readonly pipelines = new Map<string, Pipeline>();
  private readonly bindGroups = new Map<string, GPUBindGroup>();
  private readonly bufferNumbers = new WeakMap<GPUBuffer, number>();
  private buffersSeen = 0;

  constructor(private readonly gpu: GPUDevice) {}

  /** @throws EngineError where a constant is not declared in the kernel; the driver's own complaints come later. */
  pipeline(name: KernelName, constants: KernelConstants = {}): Pipeline {
    const key = `${name} ${JSON.stringify(constants)}`;
    let entry = this.pipelines.get(key);
    if (!entry) {
      entry = this.build(readKernel(name, constants), key);
      this.pipelines.set(key, entry);
    }
    return entry;
  }

  /** The bind group of a pipeline's storage buffers. */
  storageGroup(pipeline: Pipeline, slices: BufferSlice[]): GPUBindGroup {
    const numbers = slices.map(
      ({ buffer, offset = 0, size = 0 }) => `${this.numberOf(buffer)}+${offset}:${size}`,
    );
    const key = `${pipeline.pipeline.label} ${numbers.join(' ')}`;
    return this.cached(key, () => ({
      layout: pipeline.storageLayout,
      entries: slices.map(({ buffer, offset, size }, binding) => ({
        binding,
        resource: { buffer, offset, size },
      })),
    }));
  }

  /**
   * The bind group of a pipeline's uniform, at a dynamic offset into a buffer of many. It is kept where `uniforms`
   * will be used again.
   */
  parameterGroup(pipeline: Pipeline, uniforms: GPUBuffer, keep: boolean): GPUBindGroup {
    const size = Math.ceil(pipeline.kernel.parameters.length / 4) * 16;
    const describe = () => ({
      layout: pipeline.parameterLayout,
      entries: [{ binding: 0, resource: { buffer: uniforms, size } }],
    });
    if (!keep) return this.gpu.createBindGroup(describe());
    return this.cached(`${pipeline.pipeline.label} ${this.numberOf(uniforms)} uniform`, describe);
  }

  /** Bind groups keep their buffers alive; whoever destroys a buffer calls this. */
  forgetBindGroups(): void {
    this.bindGroups.clear();
  }

  private build(kernel: Kernel, label: string): Pipeline {
    const storageLayout = this.gpu.createBindGroupLayout({
      label,
      entries: kernel.bindings.map(({ access }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
      })),
    });
    const parameterLayout = this.gpu.createBindGroupLayout({
      label,
      entries: [
        {
          binding: 0,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: 'uniform', hasDynamicOffset: true },
        },
      ],
    });
    const module = this.gpu.createShaderModule({ label, code: kernel.code });
    const pipeline = this.gpu.createComputePipeline({
      label,
      layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [storageLayout, parameterLayout] }),
      compute: { module, entryPoint: 'main' },
    });
    return { kernel, pipeline, storageLayout, parameterLayout };
  }

  private cached(key: string, describe: () => GPUBindGroupDescriptor): GPUBindGroup {
    let group = this.bindGroups.get(key);
    if (!group) {
      group = this.gpu.createBindGroup(describe());
      this.bindGroups.set(key, group);
    }
    return group;
  }

  private numberOf(buffer: GPUBuffer): number {
    let number = this.bufferNumbers.get(buffer);
    if (number === undefined) {
      number = this.buffersSeen++;
      this.bufferNumbers.set(buffer, number);
    }
    return number;
  }
}
