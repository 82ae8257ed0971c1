import * as v from 'valibot';
import { options as anyOptions, checkArgument, objectWith } from '../base/argument-schemas.js';
import { EngineError } from '../base/errors.js';
import { precision } from '../base/precision.js';
import type { AdapterDescription, AdapterKind, FoundAdapter } from './adapter.js';
import { Device, type DeviceOptions, IN_NODE } from './device.js';
import {
  checkPrecision,
  MATRIX_FEATURES,
  MATRIX_TOGGLES,
  subgroupMatricesOf,
  withoutMatrices,
} from './subgroup-matrices.js';

/** Opt-in limits that kernels, long buffers and benchmarks use. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxStorageBuffersPerShaderStage',
  'maxTextureDimension2D',
] as const;

const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups'];

const DEVICE_OPTIONS = anyOptions({
  adapter: v.optional(v.string('the name of an adapter')),
  device: v.optional(objectWith<GPUDevice>('a GPUDevice', 'createBuffer', 'addEventListener')),
  subgroups: v.optional(v.boolean('true or false')),
  precision: v.optional(precision),
  checked: v.optional(v.boolean('true or false')),
});

function describe(kind: AdapterKind, reason: string, info: Partial<GPUAdapterInfo>): AdapterDescription {
  const { vendor = '', architecture = '', device = '', description = '' } = info;
  return { kind, reason, vendor, architecture, device, description };
}

type RequestDevice = (adapter: GPUAdapter, descriptor: GPUDeviceDescriptor) => Promise<GPUDevice>;

async function openAdapter(
  { adapter, kind, reason }: FoundAdapter,
  options: DeviceOptions,
  request: RequestDevice,
): Promise<Device> {
  const requiredLimits: Record<string, number> = {};
  for (const limit of WANTED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const description = describe(kind, reason, adapter.info);
  const matrices = options.precision === 'f16' ? subgroupMatricesOf(adapter) : undefined;
  if (options.precision === 'f16' && !matrices) throw withoutMatrices(description);
  const wanted = new Set([...WANTED_FEATURES, ...(matrices ? MATRIX_FEATURES : [])]);
  const requiredFeatures = [...wanted].filter((feature) => adapter.features.has(feature));
  let gpu: GPUDevice;
  try {
    gpu = await request(adapter, { requiredLimits, requiredFeatures });
  } catch (cause) {
    throw new EngineError(
      {
        what: `the adapter "${adapter.info.description}" gave no device (${(cause as Error).message})`,
        remedy: 'try another with --adapter',
      },
      { cause },
    );
  }
  return new Device(gpu, description, options, matrices);
}

async function findInBrowser(gpu: GPU): Promise<FoundAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter) return { adapter, kind: 'browser', reason: "the browser's own choice" };
  throw new EngineError({
    what: 'this browser found no WebGPU adapter',
    remedy: 'enable WebGPU in its settings, or use a browser that has it',
  });
}

/**
 * Opens a device: in Node through Dawn, in a browser through `navigator.gpu`, or around a `GPUDevice` of the caller.
 *
 * @throws CallerError where `options.adapter` names no adapter, or the adapter does not compute in `options.precision`;
 * EngineError where there is none, or it gives no device.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  checkArgument(DEVICE_OPTIONS, options, 'options');
  if (options.device) {
    const { adapterInfo: info } = options.device;
    const adapter = describe("caller's own", 'given', info ?? {});
    const device = new Device(options.device, adapter, options);
    checkPrecision(device, options.precision);
    return device;
  }
  if (!IN_NODE) {
    if (!globalThis.navigator?.gpu) {
      throw new EngineError({
        what: 'this browser has no WebGPU',
        remedy: 'use a current Chrome, Edge, Firefox or Safari',
      });
    }
    const found = await findInBrowser(navigator.gpu);
    return openAdapter(found, options, (adapter, descriptor) => adapter.requestDevice(descriptor));
  }
  const { findAdapter, requestDevice } = await import('./driver.js');
  const features = options.precision === 'f16' ? MATRIX_TOGGLES : [];
  const choice = options.adapter ?? process.env.PARSIMONY_ADAPTER ?? 'auto';
  return openAdapter(await findAdapter(choice, features), options, requestDevice);
}
