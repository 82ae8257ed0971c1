/** When a kernel ran, by the GPU's own clock. */
export interface KernelTime {
  /** The kernel and its constants. */
  label: string;
  /** Nanoseconds since some moment that all times of one device share. */
  begin: number;
  end: number;
}

/** What times the dispatches of a device (timestamps.ts). */
export interface DispatchClock {
  /** The descriptor of a pass that holds one dispatch and nothing else. */
  passFor(label: string): GPUComputePassDescriptor;
  /** Forgets what was timed so far. */
  restart(): void;
  /** The times of all dispatches since the last reading, in their order, once the GPU has done them. */
  read(): Promise<KernelTime[]>;
  release(): void;
}
