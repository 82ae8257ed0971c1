import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDense } from '../../src/plan/plan.js';
import { runs } from '../support/arbitraries.js';
import { spansOf } from './random-batch.js';

const anyLengths: fc.Arbitrary<number[]> = fc.array(
  fc.constantFrom<number[]>(0, 1, 2, 3, 17, 31, 32, 33, 63, 64, 65, 513, 4096),
  {
    maxLength: 6,
    size: 'max',
  },
);

describe('planDense', () => {
  it("keeps the caller's order and needs neither tags nor a table", () => {
    const plan = planDense(Uint32Array.of(2, 0, 3));
    expect(plan.kind).toBe('dense');
    expect(plan.tokens).toBe(5);
    expect([...plan.lengths]).toEqual([2, 0, 3]);
    expect([...plan.order]).toEqual([0, 1, 2, 3, 4]);
    expect([...plan.tags]).toEqual([0, 0, 0, 0, 0]);
    expect(plan.table).toBeUndefined();
    expect(plan.keyTiles).toBe(plan.queryTiles);
  });

  it('cuts each sequence into tiles of at most 32 rows that see all of it', () => {
    fc.assert(
      fc.property(anyLengths, (lengths) => {
        const spans = spansOf(lengths).filter(([start, end]) => end > start);
        let row = 0;
        for (const { rowStart, rowCount, ranges, columnCount, tested } of planDense(lengths).queryTiles) {
          const [start, end] = spans.find((span) => span[0] <= rowStart && rowStart + rowCount <= span[1])!;
          expect(rowStart).toBe(row);
          expect(rowCount >= 1 && rowCount <= 32).toBe(true);
          expect(ranges).toEqual([{ start, length: end - start }]);
          expect(columnCount).toBe(end - start);
          expect(tested).toBe(false);
          row += rowCount;
        }
        expect(row).toBe(spans.at(-1)?.[1] ?? 0);
      }),
      runs(100),
    );
  });

  it('takes no more tiles than it must', () => {
    fc.assert(
      fc.property(anyLengths, (lengths) => {
        const fewest = lengths.reduce((count, length) => count + Math.ceil(length / 32), 0);
        expect(planDense(lengths).queryTiles).toHaveLength(fewest);
      }),
      runs(100),
    );
  });

  it('counts every pair of a sequence as useful', () => {
    fc.assert(
      fc.property(anyLengths, (lengths) => {
        const { ledger, queryTiles } = planDense(lengths);
        const dense = lengths.reduce((pairs, length) => pairs + length ** 2, 0);
        const executed = queryTiles.reduce((pairs, { rowCount, columnCount }) => {
          return pairs + 8 * Math.ceil(rowCount / 8) * 32 * Math.ceil(columnCount / 32);
        }, 0);
        expect(ledger).toEqual({ useful: dense, executed, executedTransposed: executed, dense });
        expect(executed).toBeGreaterThanOrEqual(dense);
      }),
      runs(100),
    );
  });
});
