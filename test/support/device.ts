import { type Device, openDevice } from '../../src/gpu/device.js';
import { embeddedDriverExists } from '../../src/gpu/embedded-driver.js';

/** The two families of kernels; where subgroups may not be used, both are the one without. */
export const FAMILIES = ['subgroup', 'workgroup'] as const;

export type Family = (typeof FAMILIES)[number];

const opened = new Map<Family, Promise<Device>>();

async function open(family: Family): Promise<Device> {
  const adapter = process.env.PARSIMONY_ADAPTER ?? (embeddedDriverExists() ? 'embedded' : 'auto');
  if (family === 'subgroup') return openDevice({ adapter, checked: true });
  const { gpu } = await testDevice();
  return openDevice({ device: gpu, subgroups: false, checked: true });
}

/**
 * One device for each test process and family of kernels, with error scopes around every submit: the adapter that
 * PARSIMONY_ADAPTER names, the embedded one where it names none.
 */
export function testDevice(family: Family = 'subgroup'): Promise<Device> {
  if (!opened.has(family)) opened.set(family, open(family));
  return opened.get(family)!;
}
