import type { Device } from '../../src/gpu/device.js';
import { TOGGLES } from '../../src/gpu/driver.js';
import { embeddedDriverExists } from '../../src/gpu/embedded-driver.js';
import { openDevice } from '../../src/gpu/open-device.js';

/** The two families of kernels. On an adapter without small subgroups, both are the wide one. */
export const FAMILIES = ['subgroup', 'wide'] as const;

/**
 * Further cases. 'abreast': the subgroup family with textures so short that rows of a panel are side by side. 'wide, as on a
 * GPU': the wide family with its choices for GPUs. 'matrix': a device for precision f16, where `MATRICES`.
 */
export type Family = (typeof FAMILIES)[number] | 'abreast' | 'wide, as on a GPU' | 'matrix';

/** The longest texture of 'abreast': long enough for the widest heads, too short for the long cases. */
const SHORT_TEXTURE = 256;

const opened = new Map<Family, Promise<Device>>();

/** Every pipeline of the process. Dawn reuses a living pipeline when the same one is created again on its device. */
const pipelines: GPUComputePipeline[] = [];

/** Makes one GPU device serve all tests of the process, each with one or several `Device` objects around it. */
function share(gpu: GPUDevice): void {
  const create = gpu.createComputePipeline.bind(gpu);
  gpu.createComputePipeline = (descriptor) => {
    const pipeline = create(descriptor);
    pipelines.push(pipeline);
    return pipeline;
  };
}

/** The adapter of the tests: the one that PARSIMONY_ADAPTER names, the embedded one where it names none. */
export function testAdapter(): string {
  return process.env.PARSIMONY_ADAPTER ?? (embeddedDriverExists() ? 'embedded' : 'auto');
}

/**
 * Kernels with workgroup memory take SwiftShader four times as long to compile where Dawn fills that memory with zeros first.
 * Without these zeros, tests also find a kernel that expects them.
 */
const LEAVES_WORKGROUP_MEMORY = 'enable-dawn-features=disable_workgroup_init';

async function openMatrices(): Promise<Device | undefined> {
  try {
    return await openDevice({ adapter: testAdapter(), precision: 'f16', checked: true });
  } catch {
    return undefined;
  }
}

let matrices: Promise<Device | undefined> | undefined;

/** Whether the adapter computes in precision f16. The embedded adapter does not; Mesa's lavapipe does from version 26 on. */
export async function hasMatrices(): Promise<boolean> {
  matrices ??= openMatrices();
  return (await matrices) !== undefined;
}

async function open(family: Family): Promise<Device> {
  if (family === 'matrix' && (await hasMatrices())) return (await matrices)!;
  if (family === 'subgroup') {
    if (testAdapter() === 'embedded') TOGGLES.push(LEAVES_WORKGROUP_MEMORY);
    const device = await openDevice({ adapter: testAdapter(), checked: true });
    share(device.gpu);
    return device;
  }
  const { gpu } = await testDevice();
  if (family === 'abreast') {
    const device = await openDevice({ device: gpu, checked: true });
    return Object.defineProperty(device, 'longestTexture', { value: SHORT_TEXTURE });
  }
  const device = await openDevice({ device: gpu, subgroups: false, checked: true });
  return family === 'wide' ? device : Object.defineProperty(device, 'isSoftware', { value: false });
}

/** One device for each test process and family of kernels, with error scopes around every submit. */
export function testDevice(family: Family = 'subgroup'): Promise<Device> {
  if (!opened.has(family)) opened.set(family, open(family));
  return opened.get(family)!;
}

/** Runs a test on a device that says that its grids hold no more workgroups than these in each dimension. */
export async function withGridsOf<T>(most: number, family: Family, test: () => Promise<T>): Promise<T> {
  const device = await testDevice(family);
  const { mostWorkgroups } = device;
  Object.assign(device, { mostWorkgroups: most });
  try {
    return await test();
  } finally {
    Object.assign(device, { mostWorkgroups });
  }
}
