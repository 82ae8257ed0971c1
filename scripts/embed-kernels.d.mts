/** Writes src/gpu/kernel-sources.generated.ts from kernels/*.wgsl. */
export function embedKernels(): void;
