const SOFTWARE_NAMES = /llvmpipe|lavapipe|softpipe|swiftshader|basic render|warp/i;

/** True where a name, as drivers tell it, is that of one that computes on the CPU. */
export function isSoftwareName(name: string): boolean {
  return SOFTWARE_NAMES.test(name);
}

/** True where an adapter computes on the CPU. */
export function isSoftwareAdapter({
  description,
  device,
  architecture,
  isFallbackAdapter,
}: GPUAdapterInfo): boolean {
  return isFallbackAdapter || isSoftwareName(`${description} ${device} ${architecture}`);
}
