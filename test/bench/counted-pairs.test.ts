import { describe, expect, it } from 'vitest';
import { countedPairs } from '../../bench/counted-pairs.js';
import { checkCounts } from '../../bench/gate.js';
import type { BackwardBuffers } from '../../src/attention/record.js';
import { createStorage } from '../../src/gpu/buffers.js';
import type { Device } from '../../src/gpu/device.js';
import type { Layout } from '../../src/plan/layout.js';
import { executedPairsOfTile } from '../../src/plan/tiles.js';
import { CASES as MORE } from '../support/arbitraries.js';
import { FAMILIES, hasMatrices, testDevice } from '../support/device.js';
import { layoutOn, type MaskParts, maskOf } from '../support/masks.js';
import { generator, randomInteger } from '../support/random.js';

const TAGS = ['NOUN', 'VERB', 'DET', 'ADJ', 'ADP', 'PRON', 'ADV', 'PUNCT'];

/** Documents of [CLS] and sentences of about ten words. */
function someText() {
  const random = generator(11);
  const lengths = [170, 3, 41];
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const tags = Array.from({ length: tokens }, () => TAGS[randomInteger(random, 0, TAGS.length - 1)]);
  tags[0] = '[CLS]';
  const sentences = lengths.flatMap((length) => Array.from({ length }, (_, at) => Math.floor(at / 10)));
  return { tags, lengths, sentences };
}

async function count(device: Device, layout: Layout, headDim: number) {
  const heads = 2;
  const names = [
    'query',
    'key',
    'value',
    'output',
    'outputGradient',
    'queryGradient',
    'keyGradient',
    'valueGradient',
  ];
  const { size } = layout.heads[0].table ?? { size: 0 };
  const floats = { logSumExp: layout.tokens * heads, biasTable: Math.max(1, heads * size ** 2) };
  const buffers: Record<string, GPUBuffer> = Object.fromEntries([
    ...names.map((name) => [name, createStorage(device, 4 * layout.tokens * heads * headDim, name)]),
    ...Object.entries(floats).map(([name, length]) => [name, createStorage(device, 4 * length, name)]),
  ]);
  const shape = { heads, headDim, scale: 0.25 };
  const counted = await countedPairs(device, layout, shape, buffers as unknown as BackwardBuffers, true);
  for (const buffer of Object.values(buffers)) device.release(buffer);
  return counted;
}

type Case = [string, MaskParts, number];

/** Cases of longer test runs. */
const MORE_OF_SUBGROUPS: Case[] = [
  ['none, causal', { strategy: 'none', causal: true }, 16],
  ['learned', { strategy: 'learned' }, 16],
];

/** Few for subgroups, where each case needs other kernels; test/attention counts dense and biased pairs in each family. */
const CASES: Record<(typeof FAMILIES)[number] | 'matrix', Case[]> = {
  wide: [
    ['none', { strategy: 'none' }, 16],
    ['hard', { strategy: 'hard' }, 20],
    ['hard, causal', { strategy: 'hard', causal: true }, 16],
    ['soft', { strategy: 'soft' }, 16],
    ['guided', { strategy: 'guided' }, 16],
    ['guided within a window', { strategy: 'guided', rules: 'paper@20' }, 16],
    ['hard within sentences', { strategy: 'hard', rules: 'paper@sentence' }, 16],
    ['rules of each head', { strategy: 'hard', rules: ['paper', 'all-pairs'] }, 16],
  ],
  subgroup: [['hard', { strategy: 'hard' }, 16], ...(MORE > 1 ? MORE_OF_SUBGROUPS : [])],
  // Few, since lavapipe takes long to compile each kernel.
  matrix: [
    ['hard', { strategy: 'hard' }, 20],
    ['rules of each head', { strategy: 'hard', rules: ['paper', 'all-pairs'] }, 16],
  ],
};

/** Plans are of the family's precision. */
function planOn(device: Device, family: keyof typeof CASES, options: Parameters<typeof maskOf>[0]) {
  const precision = family === 'matrix' ? 'f16' : 'f32';
  return layoutOn(device, { ...someText(), mask: maskOf(options), precision });
}

describe.each([...FAMILIES, ...((await hasMatrices()) ? (['matrix'] as const) : [])])(
  'pairs counted on the device, %s kernels',
  (family) => {
    it.each(CASES[family])('are those of the plan: %s', async (_, options, headDim) => {
      const device = await testDevice(family);
      const layout = planOn(device, family, options);
      const { executed, executedTransposed } = layout.pairCounts;
      const counted = await count(device, layout, headDim);
      expect(counted).toEqual({
        forward: executed,
        queryGradient: executed,
        keyValueGradient: executedTransposed,
      });
      expect(checkCounts(layout, counted)).toMatchObject({ passed: true, complaints: [] });
    });

    it('differ where a kernel gets fewer tiles than were counted', async () => {
      const device = await testDevice(family);
      const layout = planOn(device, family, { strategy: 'hard' });
      const { executed, executedTransposed } = layout.pairCounts;
      const skipped = layout.heads[0].queryTiles.shift()!;
      const counted = await count(device, layout, 16);
      expect(counted.forward).toBe(executed - executedPairsOfTile(skipped, layout.tileConfig));
      expect(counted.keyValueGradient).toBe(executedTransposed);
      const { passed, complaints } = checkCounts(layout, counted);
      expect(passed).toBe(false);
      expect(complaints).toHaveLength(2);
    });
  },
);
