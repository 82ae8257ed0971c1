import { expect } from 'vitest';
import { createStorage, readBytes, upload, Workspace, write } from '../../src/gpu/buffers.js';
import type { Device } from '../../src/gpu/device.js';
import { Recorder } from '../../src/gpu/recorder.js';
import type { Computed } from '../reference/arithmetic.js';
import { type Family, testDevice } from './device.js';
import { expectWithinBound } from './error-bound.js';

/** A NaN that no arithmetic gives: its bits distinguish a number that was never written from a wrong result. */
const POISON = 0x7fc0dead;

/** Another NaN, after the end of inputs: arithmetic may keep the bits of a NaN, so inputs cannot use POISON. */
const NOT_TO_BE_READ = 0x7fc0beef;

/** 12345.678, after the end of buffers that are updated in place: an update might leave a NaN unchanged. */
const NOT_TO_BE_UPDATED = 0x4640e6b7;

/** Numbers after the end of every buffer that must be neither read nor written. */
const GUARD = 256;

export function poisonWords(length: number): Uint32Array {
  return new Uint32Array(length).fill(POISON);
}

function hasOnly(numbers: Float32Array, word: number): boolean {
  return new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length).every((each) => each === word);
}

/** Whether no number was written. */
export function isPoison(numbers: Float32Array): boolean {
  return hasOnly(numbers, POISON);
}

/** Scratch memory that is full of NaN, so that a sum cannot rely on zeros. */
class PoisonedWorkspace extends Workspace {
  constructor(private readonly poisonDevice: Device) {
    super(poisonDevice, 'test');
  }

  override floats(name: string, floats: number): GPUBuffer {
    const buffer = super.floats(name, floats + GUARD);
    write(this.poisonDevice, buffer, poisonWords(buffer.size / 4));
    return buffer;
  }
}

/** The buffers of one test: inputs are followed by NaN, outputs are full of it. */
export class GuardedBuffers {
  readonly scratch: Workspace;
  /** The length of each buffer, and the word after its end. */
  private readonly ends = new Map<GPUBuffer, { length: number; after: number }>();

  constructor(readonly device: Device) {
    this.scratch = new PoisonedWorkspace(device);
  }

  input(data: Float32Array | Uint32Array): GPUBuffer {
    return this.filled(data, NOT_TO_BE_READ);
  }

  inPlace(data: Float32Array): GPUBuffer {
    return this.filled(data, NOT_TO_BE_UPDATED);
  }

  output(length: number): GPUBuffer {
    const buffer = createStorage(this.device, 4 * (length + GUARD), 'test output');
    write(this.device, buffer, poisonWords(buffer.size / 4));
    return this.guarded(buffer, length, POISON);
  }

  /** Reads a buffer back, one of these or of `scratch`; fails where anything was written after its end. */
  async read(buffer: GPUBuffer, length = this.ends.get(buffer)!.length): Promise<Float32Array> {
    const all = new Float32Array(await readBytes(this.device, buffer, 4 * (length + GUARD)));
    const after = this.ends.get(buffer)?.after ?? POISON;
    expect(hasOnly(all.subarray(length), after), 'untouched after the end').toBe(true);
    return all.subarray(0, length);
  }

  async expectClose(name: string, buffer: GPUBuffer, exact: Computed, plain: Computed): Promise<void> {
    expectComputed(name, await this.read(buffer), exact, plain);
  }

  release(): void {
    this.scratch.release();
    for (const buffer of this.ends.keys()) this.device.release(buffer);
    this.ends.clear();
  }

  private filled(data: Float32Array | Uint32Array, after: number): GPUBuffer {
    const words = new Uint32Array(data.length + GUARD).fill(after);
    words.set(new Uint32Array(data.buffer, data.byteOffset, data.length));
    return this.guarded(upload(this.device, words, 'test input'), data.length, after);
  }

  private guarded(buffer: GPUBuffer, length: number, after: number): GPUBuffer {
    this.ends.set(buffer, { length, after });
    return buffer;
  }
}

export function expectComputed(
  name: string,
  actual: Float32Array,
  exact: Computed,
  plain: Computed,
  kernels = 1,
): void {
  expectWithinBound(name, actual, exact.values, plain.values, exact.scale, kernels);
}

/** Runs a test with buffers that are released after it, and a recorder to be submitted. */
export async function withBuffers(
  test: (buffers: GuardedBuffers, recorder: Recorder) => Promise<void>,
  family?: Family,
): Promise<void> {
  const device = await testDevice(family);
  const buffers = new GuardedBuffers(device);
  try {
    await test(buffers, new Recorder(device));
  } finally {
    buffers.release();
  }
  await device.settle();
}
