import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { denseLayout } from '../../src/plan/layout.js';
import { runs } from '../support/arbitraries.js';
import { anyTileConfig, executedIn, spansOf } from './random-batch.js';

const anyLengths: fc.Arbitrary<number[]> = fc.array(
  fc.constantFrom<number[]>(0, 1, 2, 3, 17, 31, 32, 33, 63, 64, 65, 513, 4096),
  {
    maxLength: 6,
    size: 'max',
  },
);

describe('denseLayout', () => {
  it("keeps the caller's order and needs neither tags nor a table", () => {
    const layout = denseLayout(Uint32Array.of(2, 0, 3));
    expect(layout.kind).toBe('dense');
    expect(layout.tokens).toBe(5);
    expect([...layout.lengths]).toEqual([2, 0, 3]);
    expect([...layout.order]).toEqual([0, 1, 2, 3, 4]);
    expect([...layout.tags]).toEqual([0, 0, 0, 0, 0]);
    expect([layout.sentences, layout.causal, layout.positional]).toEqual([undefined, false, false]);
    expect(layout.heads).toHaveLength(1);
    const [{ heads, table, queryTiles, keyTiles }] = layout.heads;
    expect([heads, table]).toEqual([undefined, undefined]);
    expect(keyTiles).toBe(queryTiles);
  });

  it('cuts each sequence into the fewest tiles, which see all of it', () => {
    fc.assert(
      fc.property(anyLengths, anyTileConfig, (lengths, shape) => {
        const spans = spansOf(lengths);
        const [{ queryTiles }] = denseLayout(lengths, shape).heads;
        let row = 0;
        for (const tile of [...queryTiles].sort((a, b) => a.rowStart - b.rowStart)) {
          const { sequence, rowStart, rowCount, ranges, paddedColumns, needsMask } = tile;
          const [start, end] = spans[sequence];
          expect(rowStart).toBe(row);
          expect(rowCount >= 1 && rowCount <= shape.rows).toBe(true);
          expect(start <= rowStart && rowStart + rowCount <= end).toBe(true);
          expect(ranges).toEqual([{ start, length: end - start }]);
          expect(paddedColumns).toBe(4 * Math.ceil((end - start) / 4));
          expect(needsMask).toBe(0);
          row += rowCount;
        }
        expect(row).toBe(spans.at(-1)?.[1] ?? 0);
        const fewest = lengths.reduce((count, length) => count + Math.ceil(length / shape.rows), 0);
        expect(queryTiles).toHaveLength(fewest);
      }),
      runs(100),
    );
  });

  it('counts every pair of a sequence as useful', () => {
    fc.assert(
      fc.property(anyLengths, anyTileConfig, (lengths, tile) => {
        const { pairCounts, heads, tileConfig: shape } = denseLayout(lengths, tile);
        const dense = lengths.reduce((pairs, length) => pairs + length ** 2, 0);
        const executed = heads[0].queryTiles.reduce((pairs, tile) => pairs + executedIn(tile, shape), 0);
        expect(pairCounts).toEqual({ useful: dense, executed, executedTransposed: executed, dense });
        expect(heads[0].pairCounts).toEqual(pairCounts);
        expect(executed).toBeGreaterThanOrEqual(dense);
      }),
      runs(100),
    );
  });
});
