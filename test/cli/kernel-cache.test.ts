import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { adapterKey } from '../../src/attention/kernel-choices.js';
import { hashOf } from '../../src/base/hash.js';
import { choicesFile, storedChoicesOf } from '../../src/cli/kernel-cache.js';
import type { Device } from '../../src/gpu/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The properties of a device that a file of choices depends on. */
const device = {
  adapter: { vendor: 'v', architecture: 'a', device: 'd', description: 'an adapter' },
  lanes: undefined,
} as unknown as Device;

const VARIANTS = { 'sparse, up to 64': 'subgroup, 8 rows, cost 256' };
const CHOICES = { adapter: adapterKey(device), headDim: 64, variants: VARIANTS };
const WHOLE = measured(0.02, 1);

/** A file of choices whose intervals had this width, and which were measured this often. */
function measured(noise: number, times: number) {
  const measurements = { 'sparse, up to 64': { noise, times } };
  const hashed = [
    CHOICES.adapter,
    CHOICES.headDim,
    Object.entries(VARIANTS),
    Object.entries(measurements),
    null,
  ];
  return { ...CHOICES, measurements, checksum: hashOf(hashed) };
}

const before = process.env.XDG_CACHE_HOME;
process.env.XDG_CACHE_HOME = temporaryFolder();
afterAll(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
});

async function choicesFrom(content: string) {
  const file = choicesFile(device, 64);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return storedChoicesOf(device, true, [64]);
}

describe('cached choices of kernels', () => {
  it('are used where they are complete', async () => {
    expect(await choicesFrom(JSON.stringify(WHOLE))).toEqual([CHOICES]);
  });

  it('of a noisy machine are not used until they were measured often', async () => {
    expect(await choicesFrom(JSON.stringify(measured(0.4, 2)))).toEqual([]);
    expect(await choicesFrom(JSON.stringify(measured(0.4, 3)))).toEqual([CHOICES]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['lists without end', '['.repeat(20_000)],
    ['null', 'null'],
    ['a list', '[]'],
    ['no checksum', JSON.stringify(CHOICES)],
    [
      'another variant',
      JSON.stringify({ ...WHOLE, variants: { 'sparse, up to 64': 'subgroup, 8 rows, cost 64' } }),
    ],
    ['less noise', JSON.stringify({ ...measured(0.4, 1), measurements: WHOLE.measurements })],
    ['one variant less', JSON.stringify({ ...WHOLE, variants: {} })],
    ['a variant that is a number', JSON.stringify({ ...WHOLE, variants: { 'sparse, up to 64': 8 } })],
    ['another adapter', JSON.stringify({ ...WHOLE, adapter: 'other' })],
    ['another head dimension', JSON.stringify({ ...WHOLE, headDim: 32 })],
  ])('are not used where the file holds %s', async (_, content) => {
    expect(await choicesFrom(content)).toEqual([]);
  });
});
