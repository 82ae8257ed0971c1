import * as v from 'valibot';
import {
  checkArgument,
  device as deviceArgument,
  number,
  numbers,
  objectWith,
} from '../base/argument-schemas.js';
import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { createStorage, readFloats, write } from './buffers.js';
import type { Device } from './device.js';

const buffer = objectWith<GPUBuffer>('a GPUBuffer', 'destroy');

/**
 * A new storage buffer for `Attention`: with the numbers of an array, or with that number of zeros. The caller destroys it.
 * @throws CallerError for any other content; EngineError where the adapter has no buffers of that size.
 */
export function uploadFloats(
  device: Device,
  content: Float32Array | number,
  label = 'a caller’s buffer',
): GPUBuffer {
  checkArgument(deviceArgument, device, 'device');
  checkArgument(v.union([numbers, number], 'a Float32Array, or a number of zeros'), content, 'content');
  checkArgument(v.string('a text'), label, 'label');
  const length = typeof content === 'number' ? content : content.length;
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new CallerError({
      what: `${describeValue(length)} numbers`,
      expected: 'a whole number of 0 or more',
    });
  }
  const made = createStorage(device, 4 * length, label);
  if (typeof content !== 'number') write(device, made, content);
  return made;
}

/**
 * The first numbers of a buffer, after all work that was submitted before.
 * @param length All numbers of the buffer by default: `uploadFloats` rounds buffers up to four of them.
 * @throws CallerError where the buffer is shorter; EngineError where the GPU failed.
 */
export async function downloadFloats(
  device: Device,
  source: GPUBuffer,
  length = source?.size / 4,
): Promise<Float32Array> {
  checkArgument(deviceArgument, device, 'device');
  checkArgument(buffer, source, 'buffer');
  if (!Number.isSafeInteger(length) || length < 0 || 4 * length > source.size) {
    throw new CallerError({
      what: `${describeValue(length)} numbers`,
      where: 'length',
      expected: `a whole number from 0 to ${source.size / 4}, those of the buffer`,
    });
  }
  return readFloats(device, source, length);
}
