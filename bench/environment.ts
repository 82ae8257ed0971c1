import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import type { KernelChoices } from '../src/attention/kernel-choices.js';
import { hashOf, hashOfText } from '../src/base/hash.js';
import { adapterName } from '../src/gpu/adapter.js';
import type { Device } from '../src/gpu/device.js';
import { TOGGLES } from '../src/gpu/driver.js';
import { kernelSources } from '../src/gpu/kernel-sources.generated.js';
import type { RuleSet } from '../src/grammar/rules.js';
import { formatRules } from '../src/grammar/rules-file.js';

/** The environment of a measurement: all that is needed to repeat it. @useDeclaredType */
export type Environment = ReturnType<typeof describeEnvironment>;

/** Load averages of 1, 5 and 15 minutes before this process adds its own: a command may train before it measures. */
export const LOAD_AT_START: readonly number[] = loadavg().map((value) => Math.round(100 * value) / 100);

/** The version of an installed package. */
export function versionOf(packageName: string): string {
  // Most packages do not export their package.json. It is in the folder of their entry, or above.
  let folder = createRequire(import.meta.url).resolve(packageName);
  while (folder !== '') {
    folder = folder.replace(/[/\\]?[^/\\]*$/, '');
    try {
      const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
      if (name === packageName) return version;
    } catch {
      // A folder without a package.json: look above.
    }
  }
  return 'unknown';
}

function gpuClocks(device: Device): string | undefined {
  if (device.isSoftware) return undefined;
  const query = ['--query-gpu=clocks.sm,clocks.mem', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Describes the environment of a benchmark at its start. */
export function describeEnvironment(
  device: Device,
  rules: readonly RuleSet[],
  seed: number,
  kernels: readonly KernelChoices[] = [],
) {
  const [cpu] = cpus();
  const clocks: { cpuMHz?: number; gpu?: string } = {
    cpuMHz: cpu?.speed || undefined,
    gpu: gpuClocks(device),
  };
  return {
    adapter: device.adapter,
    /** True where the adapter computes on the CPU. */
    software: device.isSoftware,
    /** The features of WebGPU that the device was opened with, sorted. */
    features: [...device.gpu.features].sort() as string[],
    /** Lanes of a subgroup in the kernels that use subgroups; null for the kernels that share work through workgroup memory. */
    subgroupLanes: device.lanes ?? null,
    /** The package that has Dawn, and Dawn's toggles that are set. */
    dawn: { package: `webgpu ${versionOf('webgpu')}`, toggles: TOGGLES as readonly string[] },
    /** The versions of this package and of those that tag words. */
    packages: Object.fromEntries<string>(
      ['parsimony-attention', 'wink-nlp', 'wink-eng-lite-web-model'].map((name) => [name, versionOf(name)]),
    ),
    /** `cores` are the logical processors of the system; `memoryGiB` is all of its memory. */
    system: {
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
      cpu: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    /** MHz of the CPU, and of the GPU and its memory, where the system and nvidia-smi report them. */
    clocks,
    /** Load averages of 1, 5 and 15 minutes at the start of the process. */
    load: LOAD_AT_START,
    /** The tuned variants of the kernels; empty where the expected ones ran. */
    kernels: [...kernels],
    /** The hash of the text of all kernels. */
    kernelHash: hashOf(kernelSources),
    /** By the rule sets' names. */
    ruleHashes: Object.fromEntries(rules.map((set) => [set.name, hashOfText(formatRules(set))])),
    /** The setting `seed`. */
    seed,
    /** The command that repeats this run. */
    command: commandLine(),
    /** The start, as ISO 8601 has it, in UTC. */
    date: new Date().toISOString(),
  };
}

/** The command line, quoted for a shell. */
export function commandLine(): string {
  return `parsimony ${process.argv.slice(2).map(withoutPassword).map(quoted).join(' ')}`;
}

/** A word without the user and password that the address of a queue may have. */
function withoutPassword(word: string): string {
  return word.replace(/^(--queue=)?(rediss?:\/\/)[^/]*@/, '$1$2');
}

/** A word, quoted for a POSIX shell where necessary. */
export function quoted(word: string): string {
  return /^[\w./,:=@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** One line for a reader: adapter, kind, load. */
export function environmentLine({ adapter, load }: Environment): string {
  return `${adapterName(adapter)} (${adapter.kind}), load ${load[0]}`;
}
