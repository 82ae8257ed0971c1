import type { Device } from '../../src/gpu/device.js';
import { withOrigins } from '../../src/gpu/kernel.js';
import type { CompilerStatistics, StatisticsFile } from './compiler-statistics.js';
import type { KernelInstance } from './instances.js';

/** What became of a kernel at the driver's compiler. */
export interface CompiledKernel extends KernelInstance {
  /** What compiling took, all layers of the driver included. */
  milliseconds: number;
  /** Why it was refused, in one line. */
  problem?: string;
  /** Where the driver tells. */
  statistics?: CompilerStatistics;
}

const SCOPES: readonly GPUErrorFilter[] = ['validation', 'internal', 'out-of-memory'];

/** Compiles one kernel, as the engine does at its first use. */
async function compiled(
  device: Device,
  instance: KernelInstance,
  file: StatisticsFile,
): Promise<CompiledKernel> {
  for (const scope of SCOPES) device.gpu.pushErrorScope(scope);
  const began = performance.now();
  device.pipelines.pipeline(instance.kernel, instance.constants);
  const milliseconds = performance.now() - began;
  const errors = await Promise.all(SCOPES.map(() => device.gpu.popErrorScope()));
  const [error] = errors.filter((each) => each !== null);
  const problem =
    error &&
    withOrigins(error.message)
      .replace(/\s*\n\s*/g, ' ')
      .trim();
  const statistics = file.take();
  return { ...instance, milliseconds, ...(problem && { problem }), ...(statistics && { statistics }) };
}

/**
 * Compiles kernels one after the other, so that what the driver says of each can be told apart.
 * @param onKernel Is told after each how many are done.
 */
export async function compileKernels(
  device: Device,
  instances: readonly KernelInstance[],
  file: StatisticsFile,
  onKernel: (done: number) => void = () => {},
): Promise<CompiledKernel[]> {
  const kernels: CompiledKernel[] = [];
  for (const instance of instances) {
    kernels.push(await compiled(device, instance, file));
    onKernel(kernels.length);
  }
  return kernels;
}
