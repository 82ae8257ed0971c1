/** The modules of kernels/: text by path, without the ending. */
export function kernelModules(): Map<string, string>;

/** Writes src/gpu/kernel-sources.generated.ts from kernels/. */
export function embedKernels(): void;

/** Writes each linked kernel as a file below a folder. */
export function writeKernels(folder: URL): void;
