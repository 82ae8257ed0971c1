import type { Device } from '../src/gpu/device.js';
import { hostRandom, shuffle } from '../src/gpu/random.js';
import type { KernelTime } from '../src/gpu/timestamps.js';

/** Something to be timed: it ends when its work is done, on the GPU too. */
export interface Contender {
  name: string;
  run(): Promise<void>;
}

export interface TimingOptions {
  /** Timed runs of each contender. */
  repeats: number;
  /** Draws the order of the contenders in each turn, so that none always runs behind the same other. */
  seed: number;
  /** Where timestamps or caches are to be seen to; else only the wall is timed. */
  device?: Device;
  /** Ends the timing early: complete turns so far are returned. */
  signal?: AbortSignal;
}

/** Milliseconds of a contender, turn by turn. */
export interface Times {
  wall: number[];
  /** Sums over its kernels by the GPU's own clock; empty where the adapter has none. */
  gpu: number[];
  /** The same kernel by kernel, by name, summed over its dispatches. */
  kernels: Map<string, KernelSum>;
}

export interface KernelSum {
  /** Dispatches a turn. */
  dispatches: number;
  /** Milliseconds, turn by turn. */
  times: number[];
}

/** Larger than the last-level cache of any GPU. */
const FLUSH_BYTES = 512 * 2 ** 20;

/** Overwrites the caches of a real GPU; a software adapter's are the CPU's, which every contender's own data fills. */
export class CacheFlush {
  private readonly buffer: GPUBuffer | undefined;

  constructor(private readonly device: Device | undefined) {
    if (!device || device.isSoftware) return;
    const size = Math.min(FLUSH_BYTES, device.gpu.limits.maxBufferSize);
    this.buffer = device.gpu.createBuffer({ size, usage: GPUBufferUsage.COPY_DST });
  }

  async flush(): Promise<void> {
    if (!this.device || !this.buffer) return;
    const encoder = this.device.gpu.createCommandEncoder();
    encoder.clearBuffer(this.buffer);
    this.device.submit([encoder.finish()]);
    await this.device.finish();
  }

  release(): void {
    this.buffer?.destroy();
  }
}

/**
 * Times contenders in turns, so that whatever else the machine does hits all of them alike. Whoever calls it has run each
 * once, so that pipelines are compiled.
 */
export async function timeInTurns(
  contenders: readonly Contender[],
  { repeats, seed, device, signal }: TimingOptions,
): Promise<Times[]> {
  const times = contenders.map((): Times => ({ wall: [], gpu: [], kernels: new Map() }));
  const random = hostRandom(seed);
  const flush = new CacheFlush(device);
  for (let turn = 0; turn < repeats && !signal?.aborted; turn++) {
    const order = [...contenders.keys()];
    shuffle(order, random);
    const taken: { index: number; wall: number; kernels: KernelTime[] | undefined }[] = [];
    for (const index of order) {
      await flush.flush();
      device?.clock?.restart();
      const began = performance.now();
      await contenders[index].run();
      const wall = performance.now() - began;
      taken.push({ index, wall, kernels: await device?.clock?.read() });
      if (signal?.aborted) break;
    }
    if (taken.length < contenders.length) break;
    for (const { index, wall, kernels } of taken) {
      times[index].wall.push(wall);
      if (kernels) addKernels(times[index], kernels);
    }
  }
  flush.release();
  return times;
}

function addKernels(times: Times, kernels: readonly KernelTime[]): void {
  const sums = new Map<string, { dispatches: number; milliseconds: number }>();
  for (const { label, begin, end } of kernels) {
    const name = label.split(' ')[0];
    const sum = sums.get(name) ?? { dispatches: 0, milliseconds: 0 };
    sums.set(name, { dispatches: sum.dispatches + 1, milliseconds: sum.milliseconds + (end - begin) / 1e6 });
  }
  for (const [name, { dispatches, milliseconds }] of sums) {
    const known = times.kernels.get(name) ?? { dispatches, times: [] };
    known.times.push(milliseconds);
    times.kernels.set(name, known);
  }
  times.gpu.push([...sums.values()].reduce((total, { milliseconds }) => total + milliseconds, 0));
}
