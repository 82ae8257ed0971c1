import { beforeAll, describe, expect, it } from 'vitest';
import { HEAD_DIMS } from '../../bench/kernels/attention-cases.js';
import { type KernelInstance, kernelInstances } from '../../bench/kernels/instances.js';
import type { Device } from '../../src/gpu/device.js';
import type { KernelName } from '../../src/gpu/kernel.js';
import { kernelSources } from '../../src/gpu/kernel-sources.generated.js';
import { FAMILIES, hasMatrices, testDevice } from '../support/device.js';

const NAMES = (Object.keys(kernelSources) as KernelName[]).filter((name) => !name.endsWith('_counting'));

/** Constants that every family's kernel of a pass has, each off and on. */
function switchesOf(pass: string): string[] {
  return [
    'DROPOUT',
    ...(pass.includes('/sparse_') ? ['POSITIONAL'] : []),
    ...(/\/sparse_backward_query$/.test(pass) ? ['BIAS_GRADIENT'] : []),
  ];
}

describe.each([...FAMILIES, ...((await hasMatrices()) ? (['matrix'] as const) : [])])(
  'the instances of kernels, on a device of the %s kernels',
  (family) => {
    let device: Device;
    let instances: KernelInstance[];

    beforeAll(async () => {
      device = await testDevice(family);
      instances = kernelInstances(device);
    });

    it('are of every kernel that the device runs', () => {
      const runs = NAMES.filter(
        (name) =>
          (device.lanes || !name.includes('/subgroup/')) && (device.matrices || !name.includes('/matrix/')),
      );
      expect([...new Set(instances.map(({ kernel }) => kernel))]).toEqual(runs.sort());
    });

    it('of an attention kernel are for every head dimension, with each constant off and on', () => {
      const passes = [
        ...new Set(instances.filter(({ headDims }) => headDims.length > 0).map((x) => x.kernel)),
      ];
      expect(passes.length).toBeGreaterThanOrEqual(6);
      for (const pass of passes) {
        const ofPass = instances.filter(({ kernel }) => kernel === pass);
        expect(new Set(ofPass.flatMap(({ headDims }) => headDims)), pass).toEqual(new Set(HEAD_DIMS));
        for (const name of switchesOf(pass)) {
          const values = new Set(ofPass.map(({ constants }) => constants[name]));
          expect([...values], `${pass}, ${name}`).toEqual(expect.arrayContaining([0, 1]));
        }
      }
    });

    it('are each named once', () => {
      const named = instances.map(({ kernel, constants }) => `${kernel} ${JSON.stringify(constants)}`);
      expect(new Set(named).size).toBe(named.length);
    });
  },
);
