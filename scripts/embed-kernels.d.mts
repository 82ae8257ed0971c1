import type { LinkedKernel } from './link-kernels.mjs';

/** The modules of kernels/: text by path, without the ending. */
export function kernelModules(): Map<string, string>;

/** Links the kernels, writes src/gpu/kernel-sources.generated.ts, and returns them. */
export function embedKernels(): LinkedKernel[];

/** Writes each linked kernel as a file below a folder. */
export function writeKernels(kernels: readonly LinkedKernel[], folder: URL): void;

/** Writes the module for bundles of browsers: without comments, and without the kernels that only benchmarks run. */
export function writeBrowserKernels(kernels: readonly LinkedKernel[], file: URL): void;
