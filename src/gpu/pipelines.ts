import { WeakCache, type WeakKey } from '../base/weak-cache.js';
import {
  type Kernel,
  type KernelBinding,
  type KernelConstants,
  type KernelName,
  readKernel,
} from './kernel.js';

/** A part of a buffer: all of it where `offset` and `size` are left out. Offsets are multiples of 256 bytes. */
export interface BufferSlice {
  buffer: GPUBuffer;
  offset?: number;
  size?: number;
}

/** What a kernel is bound to: a buffer, a part of one, or a texture. */
export type Operand = GPUBuffer | BufferSlice | GPUTexture;

/** A resource as a bind group takes it, and its key. */
interface Bound extends WeakKey {
  resource: GPUBindingResource;
}

export interface Pipeline {
  kernel: Kernel;
  pipeline: GPUComputePipeline;
  storageLayout: GPUBindGroupLayout;
  parameterLayout: GPUBindGroupLayout;
}

/** WebGPU lets every adapter ask for this alignment of uniform and storage offsets. */
export const OFFSET_ALIGNMENT = 256;

/**
 * Pipelines by kernel and constants, and bind groups by pipeline and buffers, each created once per device. A bind group is dropped
 * with any of its buffers that nothing else references: callers may bring other buffers with every call.
 */
export class PipelineCache {
  private readonly pipelines = new Map<string, Pipeline>();
  private readonly bindGroups = new WeakCache<GPUBindGroup>();
  private readonly views = new WeakMap<GPUTexture, GPUTextureView>();

  constructor(private readonly gpu: GPUDevice) {}

  /** @throws EngineError where the kernel does not declare a constant. Errors of the driver are reported later. */
  pipeline(name: KernelName, constants: KernelConstants = {}): Pipeline {
    const key = `${name} ${JSON.stringify(constants)}`;
    let entry = this.pipelines.get(key);
    if (!entry) {
      entry = this.build(readKernel(name, constants), key);
      this.pipelines.set(key, entry);
    }
    return entry;
  }

  /** The bind group of a pipeline's storage buffers and textures, in the order of its bindings. */
  storageGroup(pipeline: Pipeline, operands: readonly Operand[]): GPUBindGroup {
    const bound = operands.map((operand) => this.bound(operand));
    return this.bindGroups.get([{ object: pipeline, part: 'storage' }, ...bound], () =>
      this.gpu.createBindGroup({
        layout: pipeline.storageLayout,
        entries: bound.map(({ resource }, binding) => ({ binding, resource })),
      }),
    );
  }

  /** The bind group of a pipeline's uniform, at a dynamic offset into a buffer of many. */
  parameterGroup(pipeline: Pipeline, uniforms: GPUBuffer): GPUBindGroup {
    const size = Math.ceil(pipeline.kernel.parameters.length / 4) * 16;
    const keys = [
      { object: pipeline, part: 'parameters' },
      { object: uniforms, part: '' },
    ];
    return this.bindGroups.get(keys, () =>
      this.gpu.createBindGroup({
        layout: pipeline.parameterLayout,
        entries: [{ binding: 0, resource: { buffer: uniforms, size } }],
      }),
    );
  }

  /** Drops all bind groups, which keep their buffers and textures alive. To be called after one of these is destroyed. */
  forgetBindGroups(): void {
    this.bindGroups.clear();
  }

  private build(kernel: Kernel, label: string): Pipeline {
    const storageLayout = this.gpu.createBindGroupLayout({
      label,
      entries: kernel.bindings.map(({ access }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        ...layoutOf(access),
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

  private bound(operand: Operand): Bound {
    if ('createView' in operand) {
      let view = this.views.get(operand);
      if (!view) {
        view = operand.createView();
        this.views.set(operand, view);
      }
      return { object: operand, part: '', resource: view };
    }
    if (!('buffer' in operand)) return { object: operand, part: '', resource: { buffer: operand } };
    const { buffer, offset = 0, size } = operand;
    return { object: buffer, part: `${offset}:${size ?? ''}`, resource: { buffer, offset, size } };
  }
}

/** The layout entry of a binding. */
function layoutOf(access: KernelBinding['access']): Omit<GPUBindGroupLayoutEntry, 'binding' | 'visibility'> {
  switch (access) {
    case 'read':
      return { buffer: { type: 'read-only-storage' } };
    case 'read_write':
      return { buffer: { type: 'storage' } };
    case 'texture read':
      return { storageTexture: { access: 'read-only', format: 'rgba32float' } };
    case 'texture write':
      return { storageTexture: { access: 'write-only', format: 'rgba32float' } };
  }
}
