import { CallerError, EngineError } from '../base/errors.js';
import {
  type AdapterChoice,
  type AdapterKind,
  type FoundAdapter,
  isSoftwareAdapter,
  isSoftwareName,
} from './adapter.js';
import { withoutHarmlessWarnings } from './driver-warnings.js';
import { embeddedDriverExists, embeddedDriverIsInstalled, installEmbeddedDriver } from './embedded-driver.js';

/** Unquantised timestamps: with steps of 65,536 ns, most kernels would take zero ticks or one. */
export const TOGGLES = ['disable-dawn-features=timestamp_quantization'];

/**
 * The GPU objects of Dawn that this process has created: one for each set of options and of drivers named to the Vulkan loader, because
 * each holds threads and files of the driver. Older versions of Dawn crashed where one was collected before its devices, so they stay
 * until the process ends. They do not keep it alive.
 */
const instances = new Map<string, GPU>();

/** Names of Dawn's toggles that are enabled beside `TOGGLES`. */
type Features = readonly string[];

/** @throws EngineError where npm was told to omit optional packages, or has none for this system. */
async function dawnPackage() {
  try {
    return await import('webgpu');
  } catch (error) {
    throw new EngineError({
      what: `the package webgpu (Dawn) cannot be loaded: ${(error as Error).message.split('\n')[0]}`,
      remedy: 'npm install webgpu; it is optional, so that a browser does without it',
    });
  }
}

async function dawn(features: Features, options: string[] = []): Promise<GPU> {
  const { create, globals } = await dawnPackage();
  Object.assign(globalThis, globals);
  const enabled = features.length > 0 ? [`enable-dawn-features=${features.join(',')}`] : [];
  const toggles = [...TOGGLES, ...enabled, ...options];
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  const key = JSON.stringify([toggles, VK_DRIVER_FILES, VK_ICD_FILENAMES]);
  const instance = instances.get(key) ?? create(toggles);
  instances.set(key, instance);
  return instance;
}

async function requestFrom(gpu: GPU): Promise<GPUAdapter | null> {
  return withoutHarmlessWarnings(() => gpu.requestAdapter({ powerPreference: 'high-performance' }));
}

/** Requests a device from an adapter of Dawn. */
export async function requestDevice(
  adapter: GPUAdapter,
  descriptor: GPUDeviceDescriptor,
): Promise<GPUDevice> {
  return withoutHarmlessWarnings(() => adapter.requestDevice(descriptor));
}

/** The names of Dawn's adapters. Dawn lists them only in the error message for an unknown name. */
export async function adapterNames(): Promise<string[]> {
  try {
    await requestFrom(await dawn([], ['adapter=<none>']));
  } catch (error) {
    return [...(error as Error).message.matchAll(/name: '([^']*)'/g)].map((match) => match[1]);
  }
  return [];
}

function kindOf(adapter: GPUAdapter): AdapterKind {
  if (!isSoftwareAdapter(adapter.info)) return 'gpu';
  return embeddedDriverIsInstalled() ? 'embedded software' : 'system software';
}

async function embedded(features: Features, reason: string): Promise<FoundAdapter> {
  await installEmbeddedDriver();
  const adapter = await requestFrom(await dawn(features));
  if (!adapter) {
    throw new EngineError({
      what: 'the embedded driver was unpacked, but Dawn refuses it',
      remedy: 'install a graphics driver (`parsimony doctor` says which)',
    });
  }
  // Bun's `process.env` does not reach the Vulkan loader, which then takes another driver.
  if (!adapter.info.description.startsWith('SwiftShader')) {
    throw new EngineError({
      what: `the embedded driver was asked for, but the Vulkan loader took another: ${adapter.info.description}`,
      remedy: `set VK_DRIVER_FILES=${process.env.VK_DRIVER_FILES} before the program starts`,
    });
  }
  return { adapter, kind: 'embedded software', reason };
}

async function named(features: Features, name: string, kind?: AdapterKind): Promise<FoundAdapter> {
  const gpu = await dawn(features, [`adapter=${name}`]);
  const adapter = await requestFrom(gpu).catch(() => null);
  if (adapter) return { adapter, kind: kind ?? kindOf(adapter), reason: `asked for by name ("${name}")` };
  const names = await adapterNames();
  throw new CallerError({
    what: `no adapter has "${name}" in its name`,
    where: '--adapter',
    expected: names.length > 0 ? `auto, embedded or one of: ${names.join(', ')}` : 'auto or embedded',
  });
}

async function systemSoftware(features: Features): Promise<FoundAdapter> {
  const name = (await adapterNames()).find((candidate) => isSoftwareName(candidate));
  if (name) return { ...(await named(features, name, 'system software')), reason: 'asked for' };
  throw new EngineError({
    what: 'no software driver of the system was found',
    where: '--adapter system',
    remedy: 'install Mesa 25 or newer (`parsimony doctor` says how), or use --adapter embedded',
  });
}

async function realGpu(features: Features): Promise<FoundAdapter> {
  const adapter = await requestFrom(await dawn(features));
  if (adapter && !isSoftwareAdapter(adapter.info)) return { adapter, kind: 'gpu', reason: 'asked for' };
  throw new EngineError({
    what: 'no GPU was found',
    where: '--adapter gpu',
    remedy: 'install its driver (`parsimony doctor` says which), or use --adapter auto',
  });
}

async function automatic(features: Features): Promise<FoundAdapter> {
  const adapter = embeddedDriverIsInstalled() ? null : await requestFrom(await dawn(features));
  if (adapter && !isSoftwareAdapter(adapter.info))
    return { adapter, kind: 'gpu', reason: 'the first real GPU' };
  if (adapter) {
    return {
      adapter,
      kind: 'system software',
      reason: "no real GPU was found; this is the system's software driver",
    };
  }
  if (embeddedDriverExists())
    return embedded(features, 'neither a GPU nor a software driver of the system was found');
  throw new EngineError({
    what: 'no WebGPU adapter was found',
    expected: 'a GPU with a Vulkan, Metal or D3D12 driver, or a software driver',
    remedy: '`parsimony doctor` says what to install',
  });
}

/**
 * Finds an adapter through Dawn.
 *
 * @param features Toggles of Dawn to enable.
 * @throws CallerError where a name fits no adapter; EngineError where there is none of the kind asked for.
 */
export async function findAdapter(
  choice: AdapterChoice = 'auto',
  features: Features = [],
): Promise<FoundAdapter> {
  switch (choice) {
    case 'auto':
      return automatic(features);
    case 'gpu':
      return realGpu(features);
    case 'system':
      return systemSoftware(features);
    case 'embedded':
      return embedded(features, 'asked for');
    default:
      return named(features, choice);
  }
}
