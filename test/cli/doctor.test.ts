import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeKernels } from '../../src/cli/doctor.js';
import type { Device } from '../../src/gpu/device.js';
import { embeddedDriverExists } from '../../src/gpu/embedded-driver.js';
import { type CommandResult, runCommand } from '../support/run-command.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, complaints, expectRefusal, OURS } from './refusal.js';

/** A Linux machine without a graphics driver: the Vulkan loader finds only those that are named here. */
const NO_DRIVERS = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };

describe('doctor', () => {
  it('--json prints the adapter, its features and limits, and the system, and nothing else', () => {
    const result = runCommand(['doctor', '--json']);
    expect(result.status, result.stderr).toBe(0);
    expect(complaints(result)).toEqual([]);
    const { adapter, software, kernels, features, limits, system } = JSON.parse(result.stdout);
    expect(adapter.description).toMatch(/./);
    expect(adapter.reason).toMatch(/./);
    expect(software).toBe(/software/.test(adapter.kind));
    expect(kernels.family).toBe(kernels.lanes ? 'subgroup' : 'wide');
    expect(kernels.note === null).toBe(!software || kernels.family === 'subgroup');
    expect(features).toEqual([...features].sort());
    expect(features).toContain('core-features-and-limits');
    // The limit that WebGPU guarantees.
    expect(limits.maxBufferSize).toBeGreaterThanOrEqual(2 ** 28);
    expect(limits.maxComputeWorkgroupStorageSize).toBeGreaterThanOrEqual(2 ** 14);
    expect(system.node).toBe(process.version);
    expect(system.webgpu).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('prints which adapter is used and why', () => {
    const result = runCommand(['doctor']);
    expect(result.status, result.stderr).toBe(0);
    expect(complaints(result)).toEqual([]);
    expect(result.stdout).toMatch(/^adapter {3}\S.* \(.+\)$/m);
    expect(result.stdout).toMatch(/^why {7}\S/m);
    expect(result.stdout).toMatch(/^kernels {3}(subgroup, [48] lanes|wide)$/m);
  });

  it('refuses an adapter that does not exist', () => {
    expectRefusal(
      runCommand(['doctor', '--adapter', 'nosuch']),
      CALLER,
      /^--adapter: no adapter has "nosuch"/,
    );
  });
});

describe('the kernels that doctor names', () => {
  const device = (lanes: 8 | undefined, isSoftware: boolean) =>
    ({ lanes, isSoftware, longestTexture: 8192 }) as Device;

  it('are the wide ones where subgroups of 4 or 8 are missing, with a note on software adapters', () => {
    expect(describeKernels(device(8, true))).toEqual({ family: 'subgroup', lanes: 8, note: null });
    expect(describeKernels(device(undefined, false))).toEqual({ family: 'wide', lanes: null, note: null });
    expect(describeKernels(device(undefined, true))).toEqual({
      family: 'wide',
      lanes: null,
      note: expect.stringMatching(/kernels made for GPUs: .* times as long/),
    });
  });
});

describe.skipIf(process.platform !== 'linux')('doctor on a machine without drivers (needs Linux)', () => {
  let result: CommandResult;

  beforeAll(() => {
    result = runCommand(['doctor', '--adapter', 'gpu'], { env: NO_DRIVERS });
  });

  it('ends with exit code 1 and one line', () => {
    expect(result.status).toBe(OURS);
    expect(complaints(result)).toEqual([
      expect.stringMatching(
        /^parsimony: --adapter gpu: no GPU was found; install its driver .*--adapter auto/,
      ),
    ]);
  });

  it('says what to install', () => {
    expect(result.stdout).toMatch(/^No WebGPU adapter\. What to install:\n( {2}- .+\n)+$/);
    for (const word of ['NVIDIA', 'Mesa', 'apt install', 'embedded']) expect(result.stdout).toContain(word);
  });

  it('prints nothing but JSON with --json', () => {
    const { status, stdout } = runCommand(['doctor', '--adapter', 'gpu', '--json'], { env: NO_DRIVERS });
    expect(status).toBe(OURS);
    expect(JSON.parse(stdout)).toEqual({ adapter: null, install: expect.any(Array) });
  });

  it.runIf(embeddedDriverExists())('takes the embedded driver on its own, and says so', () => {
    const { status, stdout, stderr } = runCommand(['doctor', '--adapter', 'auto', '--json'], {
      env: NO_DRIVERS,
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ adapter: { kind: 'embedded software' }, software: true });
    expect(stderr.match(/^No GPU or system driver found: using the embedded software driver/gm)).toHaveLength(
      1,
    );
  });
});

describe.runIf(embeddedDriverExists())('the embedded driver', () => {
  const folder = temporaryFolder();

  it('that cannot be unpacked ends a command with exit code 1 and one line', () => {
    const taken = join(folder, 'taken');
    writeFileSync(taken, '');
    const result = runCommand(['doctor', '--adapter', 'embedded'], { env: { XDG_CACHE_HOME: taken } });
    expect(result.status).toBe(OURS);
    expect(complaints(result)).toEqual([
      expect.stringMatching(/^parsimony: the embedded driver could not be unpacked .*set XDG_CACHE_HOME/),
    ]);
    expect(result.stdout).toContain('What to install');
  });
});
