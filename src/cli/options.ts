import type { Precision } from '../base/precision.js';
import { verifySubmits } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { openDevice } from '../gpu/open-device.js';
import { note } from './terminal.js';

/** A list, separated by commas. */
export function list(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** A list of numbers and, where an item is none, words; the caller checks which words are allowed. */
export function numbers(text: string): (number | string)[] {
  return list(text).map((item) => (/^\d+$/.test(item) ? Number(item) : item));
}

/** Runs an action on an open device, and closes it. Prints a note where only the embedded adapter was found. */
export async function withDevice<T>(
  adapter: string | undefined,
  action: (device: Device) => Promise<T>,
  precision?: Precision,
): Promise<T> {
  const device = await openDevice({ adapter, precision });
  if (device.adapter.kind === 'embedded software' && (adapter ?? 'auto') === 'auto') {
    note(
      'No GPU or system driver found: using the embedded software driver (SwiftShader), which is correct but slow.',
    );
  }
  try {
    const result = await action(device);
    // A command that only times work has read nothing back so far.
    await verifySubmits(device);
    return result;
  } finally {
    device.close();
  }
}
