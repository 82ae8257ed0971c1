import { Canary } from './canary.js';
import type { Device } from './device.js';
import { type PanelShape, type Panels, PanelWorkspace } from './panels.js';
import type { BufferSlice } from './pipelines.js';

const STORAGE = 0x80;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;

/** Usage of every storage buffer of the engine: bound, written to and read back. */
export const STORAGE_USAGE: GPUBufferUsageFlags = STORAGE | COPY_SRC | COPY_DST;

/** A kernel's operand in a buffer: all of it, or a part. */
export type Tensor = GPUBuffer | BufferSlice;

/** A tensor as a part of a buffer. */
export function asSlice(tensor: Tensor): BufferSlice {
  return 'buffer' in tensor ? tensor : { buffer: tensor };
}

export type HostArray = Float32Array | Uint32Array | Int32Array | Uint8Array;

/** A storage buffer of `bytes` bytes; it holds zeros. */
export function createStorage(device: Device, bytes: number, label: string): GPUBuffer {
  return device.allocate(bytes, STORAGE_USAGE, label);
}

/** Writes a host array to a tensor. Uint8Arrays need a length divisible by four. */
export function write(device: Device, tensor: Tensor, data: HostArray, byteOffset = 0): void {
  const { buffer, offset = 0 } = asSlice(tensor);
  if (data.byteLength > 0) {
    device.gpu.queue.writeBuffer(
      buffer,
      offset + byteOffset,
      data.buffer as ArrayBuffer,
      data.byteOffset,
      data.byteLength,
    );
  }
}

/** A new storage buffer that holds a copy of `data`. */
export function upload(device: Device, data: HostArray, label: string): GPUBuffer {
  const buffer = createStorage(device, data.byteLength, label);
  write(device, buffer, data);
  return buffer;
}

interface Readback {
  buffer: GPUBuffer;
  byteOffset: number;
  bytes: number;
}

/** Copies parts of buffers to the host, and checks that no earlier submit was dropped. */
async function readBack(device: Device, parts: readonly Readback[]): Promise<ArrayBuffer[]> {
  const encoder = device.gpu.createCommandEncoder();
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const counted = device.gpu.createBuffer({ size: Canary.BYTES, usage });
  const check = device.canary.copyCount(encoder, counted);
  const staged = parts.map(({ buffer, byteOffset, bytes }) => {
    const staging = device.gpu.createBuffer({ size: bytes, usage });
    encoder.copyBufferToBuffer(buffer, byteOffset, staging, 0, bytes);
    return staging;
  });
  device.submit(encoder);
  try {
    await device.wait(Promise.all([counted, ...staged].map((each) => each.mapAsync(GPUMapMode.READ))));
  } catch (error) {
    await device.settle();
    throw error;
  }
  await device.settle();
  const [count, ...copies] = [counted, ...staged].map((staging) => {
    const copy = staging.getMappedRange().slice(0);
    staging.destroy();
    return copy;
  });
  try {
    check(count);
  } catch (dropped) {
    // The driver reports its errors in a separate event, which may be late.
    await device.submittedWorkDone();
    await device.settle();
    throw dropped;
  }
  return copies;
}

/** Waits for the GPU. @throws EngineError where the driver dropped a submit or reported an error. */
export async function verifySubmits(device: Device): Promise<void> {
  await readBack(device, []);
}

/**
 * Copies `bytes` bytes from `byteOffset` to the host, after all work that was submitted before.
 * @throws EngineError where the driver has reported an error so far, or dropped a submit.
 */
export async function readBytes(
  device: Device,
  buffer: GPUBuffer,
  bytes: number,
  byteOffset = 0,
): Promise<ArrayBuffer> {
  if (bytes === 0) return new ArrayBuffer(0);
  const [copy] = await readBack(device, [{ buffer, byteOffset, bytes }]);
  return copy;
}

/**
 * Reads the first numbers of several tensors at once, after all work that was submitted before.
 * @param lengths Numbers of each, or one count for all.
 * @throws EngineError where the driver has reported an error so far, or dropped a submit.
 */
export async function readManyFloats(
  device: Device,
  tensors: readonly Tensor[],
  lengths: number | readonly number[],
): Promise<Float32Array[]> {
  const parts = tensors.map((tensor, index) => {
    const length = typeof lengths === 'number' ? lengths : lengths[index];
    const { buffer, offset = 0 } = asSlice(tensor);
    return { buffer, byteOffset: offset, bytes: 4 * length };
  });
  return (await readBack(device, parts)).map((copy) => new Float32Array(copy));
}

/** Reads `length` numbers from number `offset`, as `readBytes` does. */
export async function readFloats(
  device: Device,
  tensor: Tensor,
  length: number,
  offset = 0,
): Promise<Float32Array> {
  const { buffer, offset: start = 0 } = asSlice(tensor);
  return new Float32Array(await readBytes(device, buffer, 4 * length, start + 4 * offset));
}

/** Named storage buffers and textures that are reused, and grow where a caller needs more. */
export class Workspace {
  private readonly buffers = new Map<string, GPUBuffer>();
  private readonly textures: PanelWorkspace;

  constructor(
    private readonly device: Device,
    private readonly label: string,
  ) {
    this.textures = new PanelWorkspace(device, label);
  }

  /**
   * The buffer `name`, with room for at least `floats` numbers. It keeps its content, or holds zeros where it had to grow.
   */
  floats(name: string, floats: number): GPUBuffer {
    const existing = this.buffers.get(name);
    if (existing && existing.size >= 4 * floats) return existing;
    // A quarter more than requested: batches differ a little in length, and each growth takes other bind groups.
    const bytes = existing ? 5 * floats : 4 * floats;
    if (existing) this.device.retire(existing);
    const buffer = createStorage(this.device, bytes, `${this.label}.${name}`);
    this.buffers.set(name, buffer);
    return buffer;
  }

  /** The texture `name`, for panels of a shape that `fitsPanels`. Its content is undefined where it had another shape before. */
  panels(name: string, shape: PanelShape): Panels {
    return this.textures.panels(name, shape);
  }

  release(): void {
    for (const buffer of this.buffers.values()) this.device.release(buffer);
    this.buffers.clear();
    this.textures.release();
  }
}

/** Arrays as the words of one buffer, one after another, and the offset of each. */
export function concatenated(parts: readonly Uint32Array[]): { words: Uint32Array; offsets: number[] } {
  const offsets: number[] = [];
  let length = 0;
  for (const part of parts) {
    offsets.push(length);
    length += part.length;
  }
  const words = new Uint32Array(length);
  parts.forEach((part, index) => {
    words.set(part, offsets[index]);
  });
  return { words, offsets };
}
