import { versionOf } from '../../bench/environment.js';

/** The versions that every result of an experiment has, beside those of its kernels and its driver. */
export function resultVersions(): Record<string, string> {
  return {
    package: versionOf('parsimony-attention'),
    webgpu: versionOf('webgpu'),
    node: process.version,
    system: `${process.platform} ${process.arch}`,
  };
}
