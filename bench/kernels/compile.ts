import { type Device, errorScopes } from '../../src/gpu/device.js';
import { withOrigins } from '../../src/gpu/kernel.js';
import type { CompilerStatistics, StatisticsFile } from './compiler-statistics.js';
import type { KernelInstance } from './instances.js';

/** A kernel after the driver's compiler. */
export interface CompiledKernel extends KernelInstance {
  /** The time of compiling, with all layers of the driver. */
  milliseconds: number;
  /** The error where it was refused, in one line. */
  problem?: string;
  /** Undefined where the driver reports none. */
  statistics?: CompilerStatistics;
}

/** Compiles one kernel, as the engine does at its first use. */
async function compiled(
  device: Device,
  instance: KernelInstance,
  file: StatisticsFile,
): Promise<CompiledKernel> {
  const close = errorScopes(device.gpu);
  const began = performance.now();
  device.pipelines.pipeline(instance.kernel, instance.constants);
  const milliseconds = performance.now() - began;
  const errors = await Promise.all(close());
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
 * Compiles kernels one after the other, so that the driver's statistics can be assigned.
 * @param onKernel Called after each with the number of compiled kernels.
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
