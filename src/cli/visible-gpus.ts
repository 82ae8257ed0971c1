import { readdirSync } from 'node:fs';
import { isSoftwareName } from '../gpu/adapter.js';

/** Variables that choose among GPUs, of which some do nothing to Vulkan. */
const VARIABLES = [
  'NVIDIA_VISIBLE_DEVICES',
  'CUDA_VISIBLE_DEVICES',
  'MESA_VK_DEVICE_SELECT',
  'DRI_PRIME',
  'VK_DRIVER_FILES',
  'VK_ICD_FILENAMES',
];

function namesIn(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

/** The GPUs that the system shows to this process. */
export interface VisibleGpus {
  /** Their files on Linux, without those that a container or a control group hides. */
  devices: string[];
  /** The variables that are set to choose among them. */
  variables: Record<string, string>;
  /** What to do where there are several equal ones. */
  note: string | null;
}

/** What the system shows of its GPUs. @param adapters The names of all adapters. */
export function visibleGpus(adapters: readonly string[]): VisibleGpus {
  const nvidia = namesIn('/dev', /^nvidia\d+$/);
  const gpus = adapters.filter((name) => !isSoftwareName(name));
  const equal = Math.max(nvidia.length, ...gpus.map((name) => gpus.filter((other) => other === name).length));
  return {
    devices: [...nvidia, ...namesIn('/dev/dri', /^renderD\d+$/)],
    variables: Object.fromEntries(
      VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    ),
    note:
      equal > 1
        ? `${equal} GPUs are visible, and WebGPU opens the first of equal ones: show each worker one (docs/cluster.md); CUDA_VISIBLE_DEVICES does not hide any from Vulkan`
        : null,
  };
}
