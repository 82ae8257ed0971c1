import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORBIDDEN } from '../../src/grammar/pair-table.js';
import { planSparse } from '../../src/plan/plan.js';
import type { Tile } from '../../src/plan/tiles.js';
import { runs } from '../support/arbitraries.js';
import { anyBatch, biasOf, planOf, spansOf, type TaggedBatch } from './random-batch.js';

/** Pairs of one sequence that exist, counted one by one. */
function allowedPairs(batch: TaggedBatch): number {
  let pairs = 0;
  for (const [start, end] of spansOf(batch.lengths)) {
    for (let query = start; query < end; query++) {
      for (let key = start; key < end; key++) {
        if (biasOf(batch, query, key) !== undefined) pairs++;
      }
    }
  }
  return pairs;
}

/** The kernels work on strips of 8 rows and on steps of 32 columns. */
function paddedPairs(tiles: Tile[]): number {
  return tiles.reduce((pairs, { rowCount, ranges }) => {
    const columns = ranges.reduce((count, range) => count + range.length, 0);
    return pairs + 8 * Math.ceil(rowCount / 8) * 32 * Math.ceil(columns / 32);
  }, 0);
}

describe('the ledger of a sparse plan', () => {
  it('counts the work as section 4 of the design does', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { ledger, queryTiles, keyTiles } = planOf(batch);
        expect(ledger).toEqual({
          useful: allowedPairs(batch),
          executed: paddedPairs(queryTiles),
          executedTransposed: paddedPairs(keyTiles),
          dense: batch.lengths.reduce((pairs, length) => pairs + length ** 2, 0),
        });
        expect(ledger.executed).toBeGreaterThanOrEqual(ledger.useful);
        expect(ledger.executedTransposed).toBeGreaterThanOrEqual(ledger.useful);
      }),
      runs(300),
    );
  });

  it('counts one sequence by hand', () => {
    // Tag 0 sees tag 1, and nobody else sees anybody: 3 rows of one tile see 2 columns.
    const table = { size: 2, biases: Float32Array.of(FORBIDDEN, 0, FORBIDDEN, FORBIDDEN) };
    const { ledger } = planSparse(Uint8Array.of(0, 1, 0, 1, 0), [5], table);
    expect(ledger).toEqual({ useful: 6, executed: 8 * 32, executedTransposed: 8 * 32, dense: 25 });
  });

  it('counts nothing where there is nothing', () => {
    const none = { useful: 0, executed: 0, executedTransposed: 0, dense: 0 };
    const table = { size: 1, biases: Float32Array.of(0) };
    expect(planSparse(new Uint8Array(0), [], table).ledger).toEqual(none);
    expect(planSparse(new Uint8Array(0), [0, 0], table).ledger).toEqual(none);
    const nobody = { size: 1, biases: Float32Array.of(FORBIDDEN) };
    expect(planSparse(Uint8Array.of(0, 0), [2], nobody).ledger).toEqual({ ...none, dense: 4 });
  });
});
