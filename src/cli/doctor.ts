import { cpus, totalmem } from 'node:os';
import type { Command } from 'commander';
import { versionOf } from '../../bench/environment.js';
import { fastestFamily } from '../attention/families/families.js';
import { EngineError } from '../base/errors.js';
import { adapterName } from '../gpu/adapter.js';
import type { Device } from '../gpu/device.js';
import { adapterNames } from '../gpu/driver.js';
import { withDevice } from './options.js';
import { type JsonTarget, jsonOption, wroteJson } from './output-files.js';
import { settingOption } from './setting-options.js';
import { print, printTable } from './terminal.js';
import { visibleGpus } from './visible-gpus.js';

const EXAMPLE = `
Example:
  $ parsimony doctor
  $ parsimony doctor --adapter embedded --json`;

/** What makes WebGPU run, by Node's name for the system. */
const ADVICE: Readonly<Record<string, readonly string[]>> = {
  linux: [
    'NVIDIA: the proprietary driver, 535 or newer, and the Vulkan loader (Debian, Ubuntu: apt install libvulkan1)',
    'AMD, Intel: Mesa 25 or newer (apt install mesa-vulkan-drivers; on Debian 12 from bookworm-backports)',
    'no GPU: the same package brings Mesa lavapipe, a software driver, several times faster than the embedded one',
    'neither root nor a driver: nothing; x64 systems have the embedded driver (--adapter embedded)',
  ],
  darwin: ['nothing: Metal is part of macOS 12 and newer'],
  win32: [
    "the graphics card maker's current driver (D3D12); without a card, Windows brings WARP, a software adapter",
  ],
};

const SHOWN_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

export function doctorCommand(command: Command): void {
  command
    .addOption(settingOption('adapter'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(doctor);
}

/** Measured where both families run, on two cores: `docs/kernel-trials.md` has the figures. */
const SLOWER =
  'this software adapter promises no subgroups of one size, 4 or 8, so that it runs the kernels made for GPUs: on Mesa lavapipe and ' +
  'SwiftShader these take 1.5 to 12 times as long as those of subgroups (attention of 128 to 1,024 tokens)';

/** The family of attention kernels that a device runs, with a note where it is slow. */
export function describeKernels(device: Device) {
  const { name } = fastestFamily(device);
  const isSlow = device.isSoftware && name === 'wide';
  return { family: name, lanes: device.lanes ?? null, note: isSlow ? SLOWER : null };
}

function describe(device: Device, others: string[], names: readonly string[]) {
  const { limits, features } = device.gpu;
  return {
    adapter: device.adapter,
    software: device.isSoftware,
    kernels: describeKernels(device),
    otherAdapters: others,
    gpus: visibleGpus(names),
    features: [...features].sort(),
    limits: Object.fromEntries(SHOWN_LIMITS.map((name) => [name, limits[name]])),
    system: {
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
      webgpu: versionOf('webgpu'),
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
  };
}

function advice(): readonly string[] {
  return ADVICE[process.platform] ?? ['a driver for Vulkan'];
}

async function doctor(flags: { adapter?: string; json?: JsonTarget }): Promise<void> {
  const names = await adapterNames();
  try {
    await withDevice(flags.adapter, async (device) => {
      const others = names.filter((name) => !device.adapter.description.startsWith(name.split(' ')[0]));
      const report = describe(device, others, names);
      if (!(await wroteJson(flags.json, report))) printReport(report);
    });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (!(await wroteJson(flags.json, { adapter: null, install: advice() }))) {
      print('No WebGPU adapter. What to install:');
      for (const line of advice()) print(`  - ${line}`);
    }
    throw error;
  }
}

function printReport(report: ReturnType<typeof describe>): void {
  const { adapter, software, kernels, otherAdapters, gpus, features, limits, system } = report;
  print(`adapter   ${adapterName(adapter)} (${adapter.kind})`);
  print(`why       ${adapter.reason}`);
  print(`others    ${otherAdapters.join(', ') || 'none'}`);
  const { devices, variables, note } = gpus;
  print(`devices   ${devices.join(', ') || 'no device files of GPUs'}`);
  for (const [name, value] of Object.entries(variables)) print(`          ${name}=${value}`);
  if (note) print(`          ${note}`);
  print(`kernels   ${kernels.family}${kernels.lanes ? `, ${kernels.lanes} lanes` : ''}`);
  if (kernels.note) print(`          ${kernels.note}`);
  print(`features  ${features.join(', ')}`);
  print(
    `system    ${system.platform}, Node ${system.node}, webgpu ${system.webgpu}, ${system.cores} cores, ${system.memoryGiB} GiB`,
  );
  print();
  printTable(['limit', 'value'], Object.entries(limits));
  if (!software) return;
  print();
  print(
    'This adapter computes on the CPU: results are right, timings are those of no GPU. For a GPU, install:',
  );
  for (const line of advice()) print(`  - ${line}`);
}
