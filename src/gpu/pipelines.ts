import { EngineError } from '../base/errors.js';
import {
  type Kernel,
  type KernelBinding,
  type KernelConstants,
  type KernelName,
  readKernel,
  withImmediates,
} from './kernel.js';

/** A part of a buffer: all of it where `offset` and `size` are left out. Offsets are multiples of 256 bytes. */
export interface BufferSlice {
  buffer: GPUBuffer;
  /** Bytes before the part, a multiple of 256; 0 by default. */
  offset?: number;
  /** Bytes of the part; the rest of the buffer by default. */
  size?: number;
}

/** What a kernel is bound to: a buffer, a part of one, or a texture. */
export type Operand = GPUBuffer | BufferSlice | GPUTexture;

export interface Pipeline {
  kernel: Kernel;
  constants: KernelConstants;
  pipeline: GPUComputePipeline;
  storageLayout: GPUBindGroupLayout;
  /** Bytes of parameters that a pass sets as immediate data; 0 where they are in a uniform buffer. */
  immediateBytes: number;
}

/** A pipeline with the buffers and textures of its bindings. Its bind group is made at first use. */
export interface BoundKernel {
  pipeline: Pipeline;
  operands: readonly Operand[];
  group?: GPUBindGroup;
}

/** WebGPU lets every adapter ask for this alignment of uniform and storage offsets. */
export const OFFSET_ALIGNMENT = 256;

/** Whether two records have the same names, and the same values by them. It makes no lists: it runs for each dispatch. */
export function isSameRecord<Value>(
  a: Readonly<Record<string, Value>>,
  b: Readonly<Record<string, Value>>,
  isSame: (one: Value, other: Value) => boolean,
): boolean {
  let more = 0;
  for (const name in a) {
    if (!isSame(a[name], b[name])) return false;
    more++;
  }
  for (const _ in b) more--;
  return more === 0;
}

const NO_CONSTANTS: KernelConstants = {};

/** Whether two operands are the same memory. A part of a buffer is mostly a new object in each call. */
export function isOperand(one: Operand | undefined, other: Operand | undefined): boolean {
  if (one === other) return true;
  if (!one || !other || !('buffer' in one) || !('buffer' in other)) return false;
  return one.buffer === other.buffer && one.offset === other.offset && one.size === other.size;
}

/** Whether a bound kernel is this one with these operands. */
export function isBound(
  { pipeline, operands }: BoundKernel,
  name: KernelName,
  constants: KernelConstants = NO_CONSTANTS,
  buffers: Readonly<Record<string, Operand>>,
): boolean {
  const { kernel } = pipeline;
  if (kernel.name !== name || !isSameRecord(pipeline.constants, constants, Object.is)) return false;
  for (let index = 0; index < operands.length; index++) {
    if (!isOperand(operands[index], buffers[kernel.bindings[index].name])) return false;
  }
  return true;
}

/** Bytes of immediate data of a pass. A browser may know the limit but not the address space, in Node both are there or neither. */
function mostImmediateBytes({ limits }: GPUDevice): number {
  const languageFeatures = globalThis.navigator?.gpu?.wgslLanguageFeatures;
  const isKnown = languageFeatures?.has('immediate_address_space') ?? true;
  return isKnown ? (limits.maxImmediateSize ?? 0) : 0;
}

/** Pipelines by kernel and constants, each created once per device, and the bind groups that they run with. */
export class PipelineCache {
  private readonly pipelines = new Map<KernelName, Pipeline[]>();
  private readonly views = new WeakMap<GPUTexture, GPUTextureView>();
  private readonly parameterGroups = new WeakMap<GPUBuffer, GPUBindGroup>();
  private parameterLayout: GPUBindGroupLayout | undefined;

  constructor(private readonly gpu: GPUDevice) {}

  /** @throws EngineError where the kernel does not declare a constant. Errors of the driver are reported later. */
  pipeline(name: KernelName, constants: KernelConstants = NO_CONSTANTS): Pipeline {
    let variants = this.pipelines.get(name);
    if (!variants) {
      variants = [];
      this.pipelines.set(name, variants);
    }
    let entry = variants.find((variant) => isSameRecord(variant.constants, constants, Object.is));
    if (!entry) {
      entry = this.build(readKernel(name, constants), { ...constants });
      variants.push(entry);
    }
    return entry;
  }

  /** A kernel with an operand for each of its bindings. @throws EngineError where one is missing. */
  bind(
    name: KernelName,
    constants: KernelConstants | undefined,
    buffers: Readonly<Record<string, Operand>>,
  ): BoundKernel {
    const pipeline = this.pipeline(name, constants);
    const operands = pipeline.kernel.bindings.map((binding) => {
      const operand = buffers[binding.name];
      if (!operand)
        throw new EngineError({ what: `buffer "${binding.name}" was not given`, where: `kernel ${name}` });
      return operand;
    });
    return { pipeline, operands };
  }

  /** The bind group of a kernel's storage buffers and textures, in the order of its bindings. */
  storageGroup(bound: BoundKernel): GPUBindGroup {
    bound.group ??= this.gpu.createBindGroup({
      layout: bound.pipeline.storageLayout,
      entries: bound.operands.map((operand, binding) => ({ binding, resource: this.resource(operand) })),
    });
    return bound.group;
  }

  /** The bind group of the parameters of any kernel, at a dynamic offset into a buffer of many. */
  parameterGroup(uniforms: GPUBuffer): GPUBindGroup {
    let group = this.parameterGroups.get(uniforms);
    if (!group) {
      group = this.gpu.createBindGroup({
        layout: this.uniformLayout,
        entries: [{ binding: 0, resource: { buffer: uniforms, size: OFFSET_ALIGNMENT } }],
      });
      this.parameterGroups.set(uniforms, group);
    }
    return group;
  }

  private build(kernel: Kernel, constants: KernelConstants): Pipeline {
    const label = `${kernel.name} ${JSON.stringify(constants)}`;
    const storageLayout = this.gpu.createBindGroupLayout({
      label,
      entries: kernel.bindings.map(({ access }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        ...layoutOf(access),
      })),
    });
    const bytes = 4 * kernel.parameters.length;
    const immediateBytes = bytes <= mostImmediateBytes(this.gpu) ? bytes : 0;
    const isImmediate = immediateBytes > 0;
    const code = isImmediate ? withImmediates(kernel.code) : kernel.code;
    const module = this.gpu.createShaderModule({ label, code });
    const pipeline = this.gpu.createComputePipeline({
      label,
      layout: this.gpu.createPipelineLayout({
        bindGroupLayouts: isImmediate ? [storageLayout] : [storageLayout, this.uniformLayout],
        immediateSize: immediateBytes,
      }),
      compute: { module, entryPoint: 'main' },
    });
    return { kernel, constants, pipeline, storageLayout, immediateBytes };
  }

  private get uniformLayout(): GPUBindGroupLayout {
    this.parameterLayout ??= this.gpu.createBindGroupLayout({
      label: 'parameters',
      entries: [
        {
          binding: 0,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: OFFSET_ALIGNMENT },
        },
      ],
    });
    return this.parameterLayout;
  }

  private resource(operand: Operand): GPUBindingResource {
    if (!('createView' in operand)) return 'buffer' in operand ? operand : { buffer: operand };
    let view = this.views.get(operand);
    if (!view) {
      view = operand.createView();
      this.views.set(operand, view);
    }
    return view;
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
