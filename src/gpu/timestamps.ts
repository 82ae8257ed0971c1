import { EngineError } from '../base/errors.js';
import { verifySubmits } from './buffers.js';
import type { Device, DispatchClock, KernelTime } from './device.js';

const BYTES = 8;

/**
 * Times every dispatch of a device while it is set as `device.clock`: each then gets a compute pass of its own, with a
 * timestamp before and after. It needs the feature `timestamp-query`. Dawn rounds to 65,536 ns, except with the toggle that
 * `openDevice` sets.
 */
export class KernelClock implements DispatchClock {
  private readonly queries: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private readonly staging: GPUBuffer;
  private labels: string[] = [];

  /** @param capacity The most dispatches between two reads; further ones are not timed. At most 2,048. */
  constructor(
    private readonly device: Device,
    private readonly capacity = 2048,
  ) {
    const { gpu } = device;
    const size = 2 * BYTES * capacity;
    this.queries = gpu.createQuerySet({ type: 'timestamp', count: 2 * capacity });
    this.resolved = gpu.createBuffer({
      size,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    this.staging = gpu.createBuffer({
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  static isSupported(gpu: GPUDevice): boolean {
    return gpu.features.has('timestamp-query');
  }

  /** @throws EngineError where the device has no timestamps. */
  static require(gpu: GPUDevice): void {
    if (KernelClock.isSupported(gpu)) return;
    throw new EngineError({
      what: 'this adapter has no timestamps, so that kernels cannot be timed one by one',
      expected: 'an adapter with the feature timestamp-query',
      remedy: 'choose another with --adapter',
    });
  }

  /** The descriptor of a pass with one dispatch and nothing else. */
  passFor(label: string): GPUComputePassDescriptor {
    if (this.labels.length === this.capacity) return { label };
    const index = 2 * this.labels.length;
    this.labels.push(label);
    const timestampWrites = {
      querySet: this.queries,
      beginningOfPassWriteIndex: index,
      endOfPassWriteIndex: index + 1,
    };
    return { label, timestampWrites };
  }

  /** Discards the times so far. */
  restart(): void {
    this.labels = [];
  }

  /**
   * Waits for the GPU, and returns the times of all dispatches since the last call, in their order.
   * @throws EngineError where the driver dropped a submit or reported an error.
   */
  async read(): Promise<KernelTime[]> {
    const labels = this.labels;
    this.labels = [];
    if (labels.length === 0) return [];
    const bytes = 2 * BYTES * labels.length;
    const encoder = this.device.gpu.createCommandEncoder();
    encoder.resolveQuerySet(this.queries, 0, 2 * labels.length, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, this.staging, 0, bytes);
    this.device.submit(encoder);
    await this.device.wait(this.staging.mapAsync(GPUMapMode.READ, 0, bytes));
    await verifySubmits(this.device);
    const stamps = new BigUint64Array(this.staging.getMappedRange(0, bytes).slice(0));
    this.staging.unmap();
    return labels.map((label, index) => ({
      label,
      begin: Number(stamps[2 * index]),
      end: Number(stamps[2 * index + 1]),
    }));
  }

  release(): void {
    this.queries.destroy();
    this.resolved.destroy();
    this.staging.destroy();
  }
}
