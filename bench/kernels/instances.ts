import { familiesOn } from '../../src/attention/families/families.js';
import type { Device } from '../../src/gpu/device.js';
import { type KernelConstants, type KernelName, readKernel } from '../../src/gpu/kernel.js';
import { kernelSources } from '../../src/gpu/kernel-sources.generated.js';
import { type Pipeline, PipelineCache } from '../../src/gpu/pipelines.js';
import { linearConstants } from '../../src/nn/linear-family.js';
import { recordAttentionCases } from './attention-cases.js';

/** A kernel with its constants, the unit that a driver compiles. */
export interface KernelInstance {
  kernel: KernelName;
  constants: KernelConstants;
  /** For which head dimensions; empty where it does not depend on them. */
  headDims: number[];
}

/** Whether a kernel is a pass of attention, of one of the families. */
function isOfFamily(kernel: KernelName): boolean {
  return /^attention\/\w+\//.test(kernel);
}

/** Lists the pipelines that are requested, without making them: recording does not need them. */
class InstanceList extends PipelineCache {
  readonly instances = new Map<string, KernelInstance>();
  headDim = 0;

  override pipeline(kernel: KernelName, unsorted: KernelConstants = {}): Pipeline {
    const constants = Object.fromEntries(Object.entries(unsorted).sort(([a], [b]) => (a < b ? -1 : 1)));
    const key = `${kernel} ${JSON.stringify(constants)}`;
    const instance = this.instances.get(key) ?? { kernel, constants, headDims: [] };
    this.instances.set(key, instance);
    if (isOfFamily(kernel)) instance.headDims = [...new Set([...instance.headDims, this.headDim])];
    return { kernel: readKernel(kernel, constants) } as Pipeline;
  }
}

/** The activations of linear kernels: none, GELU, tanh, ReLU. */
const ACTIVATIONS: readonly KernelConstants[] = [0, 1, 2, 3].map((number) => ({ ACTIVATION: number }));

/** Constants of a kernel that attention does not ask for; undefined where the device does not run it. */
function constantsOf(kernel: KernelName, device: Device): KernelConstants | undefined {
  if (kernel.includes('/matrix/') && !device.matrices) return undefined;
  if (!kernel.includes('/subgroup/')) return linearConstants(device, kernel);
  return device.lanes && { LANES: device.lanes };
}

/**
 * Every kernel that a device runs, with all its constants, sorted by name. The kernels of attention are those that the engine
 * requests while it records plans with the tiles of each family, so new families and constants are found. Kernels that count
 * pairs are left out.
 */
export function kernelInstances(device: Device): KernelInstance[] {
  const list = new InstanceList(device.gpu);
  const recording: Device = Object.create(device, { pipelines: { value: list } });
  for (const { tile, shortTile, shortestTile = shortTile } of [
    ...familiesOn(device),
    ...familiesOn(device, 0, 'f16'),
  ]) {
    for (const config of new Set([tile, shortTile, shortestTile])) {
      recordAttentionCases(recording, config, (headDim) => {
        list.headDim = headDim;
      });
    }
  }
  const instances = [...list.instances.values()];
  const listed = new Set(instances.map(({ kernel }) => kernel));
  for (const kernel of Object.keys(kernelSources) as KernelName[]) {
    if (listed.has(kernel) || isOfFamily(kernel) || kernel.endsWith('_counting')) continue;
    const constants = constantsOf(kernel, device);
    if (!constants) continue;
    const choices = kernelSources[kernel].includes('const ACTIVATION') ? ACTIVATIONS : [{}];
    for (const choice of choices)
      instances.push({ kernel, constants: { ...constants, ...choice }, headDims: [] });
  }
  return instances.sort((a, b) => (a.kernel < b.kernel ? -1 : 1));
}
