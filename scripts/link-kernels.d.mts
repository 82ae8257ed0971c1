/** A kernel: its name, its text, and where its lines come from: [line of the text, module, line there]. */
export interface LinkedKernel {
  name: string;
  code: string;
  origins: [number, string, number][];
}

/** Links modules, given as text by name, into kernels. */
export function linkKernels(sources: ReadonlyMap<string, string>): LinkedKernel[];
