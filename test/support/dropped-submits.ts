import { vi } from 'vitest';
import type { Device } from '../../src/gpu/device.js';

/**
 * Makes the queue drop some of the submits from now on, as a broken driver does: without an error.
 * @param isDropped By the number of the submit, from 0.
 */
export function dropSubmits({ gpu }: Device, isDropped: (index: number) => boolean): void {
  vi.restoreAllMocks();
  const submit = gpu.queue.submit.bind(gpu.queue);
  let index = 0;
  vi.spyOn(gpu.queue, 'submit').mockImplementation((commands) => {
    if (!isDropped(index++)) submit(commands);
    return undefined;
  });
}
