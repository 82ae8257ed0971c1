import { describe, expect, it } from 'vitest';
import { familiesOn, familyOfTiles, fastestFamily } from '../../src/attention/families/families.js';
import type { KernelFamily, PassName } from '../../src/attention/families/family.js';
import type { Device } from '../../src/gpu/device.js';
import { type KernelName, readKernel } from '../../src/gpu/kernel.js';
import { kernelSources } from '../../src/gpu/kernel-sources.generated.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { sparseLayout } from '../../src/plan/layout.js';

/** The properties of a device that families read. */
const device = (lanes: 4 | 8 | undefined, longestTexture = 8192) => ({ lanes, longestTexture }) as Device;
const TOKENS = 100;
const PASSES: readonly PassName[] = ['forward', 'backward_query', 'backward_key_value'];

function everyFamily(): KernelFamily[] {
  const withMatrices = { ...device(8), matrices: { m: 16, n: 16, k: 16, lanes: 32 } } as Device;
  return [device(4), device(8), withMatrices].flatMap((on) => [
    ...familiesOn(on, TOKENS),
    ...familiesOn(on, TOKENS, 'f16'),
  ]);
}

describe('families of attention kernels', () => {
  it('are the folders of the attention kernels', () => {
    const folders = Object.keys(kernelSources).flatMap((name) => /^attention\/(\w+)\//.exec(name)?.[1] ?? []);
    expect(new Set(everyFamily().map(({ name }) => name))).toEqual(new Set(folders));
  });

  it('recognise the tiles of their plans', () => {
    for (const lanes of [undefined, 4, 8] as const) {
      for (const family of familiesOn(device(lanes), TOKENS)) {
        expect(family.tile.family).toBe(family.name);
        expect(familyOfTiles(device(lanes), family.tile, TOKENS)).toBe(family);
        expect(Math.max(...family.heights)).toBe(family.tile.rows);
      }
    }
  });

  it('start with subgroups, where the adapter has them and a texture holds the batch', () => {
    const names = (on: Device, tokens: number) => familiesOn(on, tokens).map(({ name }) => name);
    expect(names(device(8), TOKENS)).toEqual(['subgroup', 'wide']);
    expect(names(device(undefined), TOKENS)).toEqual(['wide']);
    expect(names(device(8, 16), 2 ** 20)).toEqual(['wide']);
    expect(fastestFamily(device(4), TOKENS).name).toBe('subgroup');
  });

  it('give constants that their kernels declare, for every pass', () => {
    const tables = pairTable(PAPER_RULES, 'hard', 5);
    const { heads } = sparseLayout({ tags: Uint8Array.of(0, 1), lengths: [2], tables });
    for (const family of everyFamily()) {
      for (const name of PASSES) {
        for (const headDim of [16, 64, 128]) {
          const pass = { name, headDim, heads: heads[0], positional: false, rows: family.tile.rows };
          const dense = { ...pass, heads: { table: undefined, bits: undefined, isFull: true } };
          for (const [kernel, constants] of [
            [`sparse_${name}`, family.kernelOf(pass).constants],
            [`dense_${name}`, family.kernelOf(dense).constants],
          ] as const)
            expect(() =>
              readKernel(`attention/${family.name}/${kernel}` as KernelName, constants),
            ).not.toThrow();
        }
      }
    }
  });
});
