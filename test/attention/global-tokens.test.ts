import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUBGROUP_TILES } from '../../src/attention/families/subgroup.js';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { isGlobalToken } from '../../src/plan/tiles.js';
import { CASES } from '../support/arbitraries.js';
import { testDevice, withGridsOf } from '../support/device.js';
import { withBuffers } from '../support/guarded-buffers.js';
import { layoutOn } from '../support/masks.js';
import { KIND_NAMES, KINDS, type KindName, randomCase } from './random-case.js';
import { expectReference } from './reference.js';
import { expectPlannedPairs, runAttention } from './run-attention.js';

const SPARSE = KIND_NAMES.filter((kind) => !KINDS[kind].strategies.includes('none' as never));
/** Properties that select these kernels, split between the families, since each compiles its own. The last case of a kind is long. */
const USUAL_CASES: Record<'wide' | 'subgroup', readonly (readonly [KindName, number])[]> = {
  wide: [
    ['hard, some tags', 0],
    ['windows', 0],
    ['every scope under dropout', 5],
    ['learned', 0],
  ],
  subgroup: [
    ['biased, many tags', 0],
    ['every scope under dropout', 0],
    ['heads of their own', 5],
    ['learned, causal', 0],
  ],
};
const ROW_FAMILIES = ['wide', 'subgroup'] as const;

describe.each(ROW_FAMILIES)('rows that a tile has alone, %s kernels', (family) => {
  const shapes = [WIDE_TILE, SUBGROUP_TILES[4], SUBGROUP_TILES[8]].map((shape) => ({
    shape,
    own: { ...shape },
  }));

  // Every row is alone, so that every pair of every case goes through the row kernels.
  beforeAll(() => {
    for (const { shape, own } of shapes)
      Object.assign(shape, { rows: 1, globalTokens: { ...own.globalTokens, from: 1 } });
  });
  afterAll(() => {
    for (const { shape, own } of shapes) Object.assign(shape, own);
  });

  const every = SPARSE.flatMap((kind) => [[kind, 0] as const, [kind, 5] as const]);
  const cases = CASES > 1 ? every : USUAL_CASES[family];

  it.each(cases)('are those of the reference: %s, case %i', async (kind, seed) => {
    const attention = randomCase(kind, seed);
    expectReference(attention, await runAttention(attention, family));
  });

  it('give the same bits where a dimension of a grid holds few workgroups', async () => {
    const attention = randomCase(cases[0][0], cases[0][1], Array(20).fill(3));
    const few = await withGridsOf(17, family, () => runAttention(attention, family));
    expect(few).toEqual(await runAttention(attention, family));
  });

  it('are the only ones here, and multiply the number of pairs that the plan says', async () => {
    const device = await testDevice(family);
    for (const seed of [0, 1]) {
      const attention = { ...randomCase('heads of their own', seed), dropout: undefined };
      const layout = layoutOn(device, attention);
      for (const { queryTiles, keyTiles } of layout.heads) {
        for (const tile of [...queryTiles, ...keyTiles])
          expect(tile.paddedColumns === 0 || isGlobalToken(tile, layout.tileConfig)).toBe(true);
      }
      await withBuffers((buffers) => expectPlannedPairs(buffers, layout, attention), family);
    }
  });
});
