import { describe, expect, it } from 'vitest';
import { DevicePlan } from '../../src/attention/device-plan.js';
import { tilesOn } from '../../src/attention/kernel-choices.js';
import { SPLITS_ALWAYS } from '../plan/random-batch.js';
import { CASES } from '../support/arbitraries.js';
import { testDevice, withGridsOf } from '../support/device.js';
import { withBuffers } from '../support/guarded-buffers.js';
import { type AttentionCase, CASES_OF_KIND, KIND_NAMES, type KindName, randomCase } from './random-case.js';
import { expectReference } from './reference.js';
import { expectPlannedPairs, runAttention } from './run-attention.js';

const SPLIT = { machine: SPLITS_ALWAYS };

/** A case with one sequence of several steps, then short ones. */
function longCase(kind: KindName, seed = 1): AttentionCase {
  return randomCase(kind, seed, [200, 3, 0, 40, 130]);
}

async function partsOf(attention: AttentionCase): Promise<number> {
  const device = await testDevice('wide');
  const plan = new DevicePlan(device);
  const tiles = tilesOn(device);
  const layout = attention.mask.layout(attention, (...args) => ({ ...tiles(...args), ...SPLIT }));
  plan.write(layout, attention.heads);
  const { query, key } = plan.words.at.heads[0];
  plan.release();
  return query.items + key.items - layout.heads[0].queryTiles.length - layout.heads[0].keyTiles.length;
}

/** Tiles of the wide family that are split, in the file whose kernels they share. */
export function describeSplitTiles(): void {
  describe('tiles whose columns are split between workgroups', () => {
    const usual: readonly KindName[] = [
      'dense under dropout',
      'biased, many tags',
      'sentences',
      'learned',
      'head rules, dropout',
    ];
    it.each(CASES > 1 ? KIND_NAMES : usual)('give the reference’s results: %s', async (kind) => {
      const attention = longCase(kind);
      expect(await partsOf(attention)).toBeGreaterThan(0);
      expectReference(attention, await runAttention(attention, 'wide', SPLIT));
    });

    it.each<KindName>(['hard, some tags', 'learned'])(
      'of 16 rows give the reference’s results, too: %s',
      async (kind) => {
        const attention = longCase(kind, CASES_OF_KIND - 1);
        expectReference(
          attention,
          await runAttention(attention, 'wide, as on a GPU', { ...SPLIT, rows: 16 }),
        );
      },
    );

    it('may have one range of columns each, as on a GPU for the shortest texts', async () => {
      const attention = longCase('hard, some tags');
      expectReference(attention, await runAttention(attention, 'wide', { ...SPLIT, oneRange: true }));
    });

    it('give the same bits every time, also where a dimension of a grid holds few workgroups', async () => {
      const attention = longCase('biased, many tags');
      const once = await runAttention(attention, 'wide', SPLIT);
      expect(await runAttention(attention, 'wide', SPLIT)).toEqual(once);
      expect(await withGridsOf(40, 'wide', () => runAttention(attention, 'wide', SPLIT))).toEqual(once);
    });

    it('multiply the number of pairs that the plan says', async () => {
      await withBuffers(async (buffers) => {
        const attention = { ...longCase('head rules, dropout'), dropout: undefined };
        const tiles = tilesOn(buffers.device);
        const layout = attention.mask.layout(attention, (...args) => ({ ...tiles(...args), ...SPLIT }));
        await expectPlannedPairs(buffers, layout, attention);
      }, 'wide');
    });

    it('carry NaN to the row of its query, and to no other', async () => {
      const attention = longCase('dense');
      const q = attention.q.slice();
      const width = attention.heads * attention.headDim;
      q.fill(Number.NaN, 5 * width, 6 * width);
      const { output, logSumExp } = await runAttention({ ...attention, q }, 'wide', SPLIT);
      const rowsWithNaN = Array.from({ length: output.length / width }, (_, row) => row).filter((row) =>
        output.subarray(row * width, (row + 1) * width).some(Number.isNaN),
      );
      expect(rowsWithNaN).toEqual([5]);
      expect(logSumExp.subarray(5 * attention.heads, 6 * attention.heads).every(Number.isNaN)).toBe(true);
    });
  });
}
