import { EngineError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import { type AdapterChoice, type AdapterDescription, isSoftwareAdapter } from './adapter.js';
import { Canary } from './canary.js';
import { withOrigins } from './kernel.js';
import { OFFSET_ALIGNMENT, PipelineCache } from './pipelines.js';
import { pollUntil } from './polling.js';
import type { SubgroupMatrices } from './subgroup-matrices.js';

/** Which device `openDevice` opens, and with what. */
export interface DeviceOptions {
  /** Which adapter to open; `auto` by default. Ignored where `device` is given. */
  adapter?: AdapterChoice;
  /** A device of the caller, used instead of opening one, and never destroyed here. */
  device?: GPUDevice;
  /** False: use the kernels for GPUs, which share work through workgroup memory, even where subgroup kernels are faster. */
  subgroups?: boolean;
  /**
   * 'f16' also enables what kernels of that precision need, an experimental feature of Dawn, and refuses an adapter without it. Each
   * computation still chooses its precision.
   */
  precision?: Precision;
  /** Wraps every submit and allocation in error scopes, and reports errors at the next read or `settle()`. Slower. */
  checked?: boolean;
}

/** The time of a kernel, by the clock of the GPU. */
export interface KernelTime {
  /** The kernel and its constants. */
  label: string;
  /** Nanoseconds since an origin that all times of one device share. */
  begin: number;
  /** Nanoseconds since the same origin. */
  end: number;
}

/** Times the dispatches of a device (timestamps.ts). */
export interface DispatchClock {
  /** The descriptor of a pass with one dispatch and nothing else. */
  passFor(label: string): GPUComputePassDescriptor;
  /** Discards the times so far. */
  restart(): void;
  /** Waits for the GPU, and returns the times of all dispatches since the last call, in their order. */
  read(): Promise<KernelTime[]>;
  /** Destroys the clock's queries and buffers. */
  release(): void;
}

/** Bytes of a buffer, or of a texture of f32 vectors. */
function bytesOf(memory: GPUBuffer | GPUTexture): number {
  return 'size' in memory ? memory.size : 16 * memory.width * memory.height;
}

/** The most uniform buffers that are cached for command encoders of callers. */
const MOST_CONSTANTS = 256;

function lanesOf(gpu: GPUDevice, { subgroups }: DeviceOptions): 4 | 8 | undefined {
  if (subgroups === false || !gpu.features.has('subgroups')) return undefined;
  const { subgroupMinSize, subgroupMaxSize } = gpu.adapterInfo;
  if (subgroupMinSize !== subgroupMaxSize) return undefined;
  return subgroupMinSize === 4 || subgroupMinSize === 8 ? subgroupMinSize : undefined;
}

export const IN_NODE = typeof process !== 'undefined' && Boolean(process.versions?.node);

const ERROR_SCOPES: readonly GPUErrorFilter[] = ['validation', 'internal', 'out-of-memory'];

/** Opens scopes for all errors of a device. @returns A function that closes them, and gives what they caught. */
export function errorScopes(gpu: GPUDevice): () => Promise<GPUError | null>[] {
  for (const filter of ERROR_SCOPES) gpu.pushErrorScope(filter);
  return () => ERROR_SCOPES.map(() => gpu.popErrorScope());
}

/**
 * An open GPU device, with the state that all operators of the engine share: the pipeline cache, the count of allocated bytes, and
 * the first error that the driver reported.
 */
export class Device {
  /** @internal */
  readonly pipelines: PipelineCache;
  /** Bytes of buffers and textures allocated here and not yet released. */
  allocatedBytes = 0;
  /** The largest value of `allocatedBytes` so far; a caller may reset it. */
  peakBytes = 0;
  /** How often memory was retired. Earlier recordings may still use that memory. */
  retirements = 0;
  /** Times every dispatch that is recorded while it is set. */
  clock: DispatchClock | undefined;
  /**
   * Lanes of a subgroup, where subgroup kernels can run: the adapter has only one size, 4 or 8, as on the software drivers. Undefined
   * otherwise: no kernel assumes a size that the adapter does not guarantee.
   */
  readonly lanes: 4 | 8 | undefined;
  /** Texels of the longest side that a texture may have. */
  readonly longestTexture: number;
  /** Workgroups that each dimension of a grid may have. */
  readonly mostWorkgroups: number;
  /** Bytes of the largest buffer that can be bound as a whole. */
  readonly largestBuffer: number;
  /** Checks that every submit ran: see `submit` and buffers.ts. @internal */
  readonly canary: Canary;
  private firstError: EngineError | undefined;
  private pending: Promise<unknown>[] = [];
  private uniforms: GPUBuffer | undefined;
  private readonly constants = new Map<string, GPUBuffer>();
  private readonly retired: (GPUBuffer | GPUTexture)[] = [];
  private closing = false;
  private readonly listener = (event: GPUUncapturedErrorEvent) => {
    event.preventDefault();
    this.report(event.error);
  };

  constructor(
    readonly gpu: GPUDevice,
    readonly adapter: AdapterDescription,
    private readonly options: DeviceOptions,
    /** Products of f16 matrices, where the device was opened for precision f16. */
    readonly matrices?: SubgroupMatrices,
  ) {
    this.pipelines = new PipelineCache(gpu);
    this.canary = new Canary(gpu);
    this.lanes = lanesOf(gpu, options);
    this.longestTexture = gpu.limits.maxTextureDimension2D;
    this.mostWorkgroups = gpu.limits.maxComputeWorkgroupsPerDimension;
    this.largestBuffer = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize);
    gpu.lost.then(({ reason, message }) => {
      if (this.closing && reason === 'destroyed') return;
      this.firstError ??= new EngineError({
        what: `the GPU device was lost (${message || reason})`,
        remedy: 'start again',
      });
    });
    gpu.addEventListener('uncapturederror', this.listener);
  }

  /** Whether the adapter computes on the CPU: its timings say nothing about GPUs. */
  get isSoftware(): boolean {
    return this.adapter.kind.endsWith('software') || isSoftwareAdapter(this.gpu.adapterInfo);
  }

  /** Whether an invocation may have some 200 registers of 32 bits. With fewer registers, kernels give it fewer sums. */
  get hasManyRegisters(): boolean {
    return this.isSoftware || ['nvidia', 'amd'].includes(this.gpu.adapterInfo.vendor);
  }

  /**
   * Creates a buffer.
   * @param size Bytes; rounded up to a multiple of 16, so that any buffer can be read as vectors.
   * @throws EngineError where the adapter's limit forbids the size.
   */
  allocate(size: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    const bytes = Math.max(16, Math.ceil(size / 16) * 16);
    const limit = this.largestBuffer;
    if (bytes > limit) {
      throw new EngineError({
        what: `out of memory: ${bytes} bytes asked for`,
        where: `buffer "${label}"`,
        expected: `at most ${limit} bytes, the adapter's limit for one buffer`,
        remedy: 'use a smaller batch, fewer heads or a shorter sequence',
      });
    }
    return this.counted(() => this.gpu.createBuffer({ size: bytes, usage, label }));
  }

  /** Creates a texture of f32 vectors, all zero. @param size Texels, within the adapter's limit. */
  allocateTexture(
    { width, height }: { width: number; height: number },
    usage: GPUTextureUsageFlags,
    label: string,
  ): GPUTexture {
    return this.counted(() =>
      this.gpu.createTexture({ size: [width, height], format: 'rgba32float', usage, label }),
    );
  }

  /** Destroys a buffer from `allocate` or a texture from `allocateTexture`. */
  release(memory: GPUBuffer | GPUTexture): void {
    this.allocatedBytes -= bytesOf(memory);
    memory.destroy();
  }

  /** Releases memory after the next submit: commands recorded before may still use it. */
  retire(memory: GPUBuffer | GPUTexture): void {
    this.retirements++;
    this.retired.push(memory);
  }

  /** The uniform buffer of commands that are recorded and submitted together. The queue orders its writes. */
  sharedUniforms(bytes: number): GPUBuffer {
    if (!this.uniforms || this.uniforms.size < bytes) {
      this.uniforms?.destroy();
      const size = Math.max(64 * OFFSET_ALIGNMENT, 2 * bytes);
      this.uniforms = this.gpu.createBuffer({
        size,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
    }
    return this.uniforms;
  }

  /**
   * A uniform buffer that holds these bytes and never others, for commands that a caller submits later.
   * The same bytes get the same buffer, and its bind groups with it.
   */
  constantUniforms(bytes: Uint8Array): GPUBuffer {
    const content = new TextDecoder('latin1').decode(bytes);
    let buffer = this.constants.get(content);
    if (buffer) return buffer;
    // Commands that are not yet submitted keep their buffers alive.
    if (this.constants.size === MOST_CONSTANTS) this.constants.clear();
    buffer = this.gpu.createBuffer({
      size: Math.max(OFFSET_ALIGNMENT, bytes.length),
      usage: GPUBufferUsage.UNIFORM,
      mappedAtCreation: true,
    });
    new Uint8Array(buffer.getMappedRange()).set(bytes);
    buffer.unmap();
    this.constants.set(content, buffer);
    return buffer;
  }

  /** Submits an encoder's commands. The submit is counted on the GPU, so that the next read-back detects a dropped one. */
  submit(encoder: GPUCommandEncoder): void {
    this.guarded(() => {
      this.canary.mark(encoder);
      this.gpu.queue.submit([encoder.finish()]);
    });
    for (const memory of this.retired.splice(0)) this.release(memory);
  }

  /** Waits until the GPU has finished all submits. @throws EngineError as `settle` does. */
  async finish(): Promise<void> {
    await this.submittedWorkDone();
    await this.settle();
  }

  /** Resolves when the GPU has finished all submits so far, with or without errors. */
  async submittedWorkDone(): Promise<void> {
    await this.wait(this.gpu.queue.onSubmittedWorkDone());
  }

  /** Waits for a promise of the GPU. In Node this leaves the cores to a software driver. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.isSoftware && IN_NODE ? pollUntil(promise) : promise;
  }

  /** @throws EngineError with the first error that the driver has reported so far. */
  async settle(): Promise<void> {
    await Promise.all(this.pending.splice(0));
    if (this.firstError) throw this.firstError;
  }

  /** Destroys the device. A device of the caller stays, and its later errors go to the caller again. */
  close(): void {
    this.closing = true;
    this.gpu.removeEventListener('uncapturederror', this.listener);
    if (!this.options.device) this.gpu.destroy();
  }

  private counted<T extends GPUBuffer | GPUTexture>(create: () => T): T {
    const memory = this.guarded(create);
    this.allocatedBytes += bytesOf(memory);
    this.peakBytes = Math.max(this.peakBytes, this.allocatedBytes);
    return memory;
  }

  private report(error: GPUError): void {
    const outOfMemory = error instanceof GPUOutOfMemoryError;
    this.firstError ??= new EngineError({
      what: outOfMemory
        ? 'the GPU ran out of memory'
        : `the GPU driver refused a command (${withOrigins(error.message)})`,
      remedy: outOfMemory
        ? 'use a smaller batch or a shorter sequence'
        : 'please report it with the output of `parsimony doctor`',
    });
  }

  private guarded<T>(action: () => T): T {
    if (!this.options.checked) return action();
    const close = errorScopes(this.gpu);
    try {
      return action();
    } finally {
      const errors = close().map((caught) => caught.then((error) => error && this.report(error)));
      this.pending.push(...errors);
    }
  }
}
