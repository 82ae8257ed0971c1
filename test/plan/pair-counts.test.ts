import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { FORBIDDEN, type PairTable } from '../../src/grammar/pair-table.js';
import { sparseLayout } from '../../src/plan/layout.js';
import { meanPairCounts } from '../../src/plan/pair-counts.js';
import { runs } from '../support/arbitraries.js';
import {
  anyBatch,
  biasesOf,
  executedIn,
  headLayouts,
  layoutOf,
  spansOf,
  type TaggedBatch,
} from './random-batch.js';

/** Pairs of each sequence that exist for a head, counted one by one. */
function allowedPairs(batch: TaggedBatch, head: number): number {
  const biasOf = biasesOf(batch, head);
  let pairs = 0;
  for (const [start, end] of spansOf(batch.lengths)) {
    for (let query = start; query < end; query++) {
      for (let key = start; key < end; key++) if (biasOf(query, key) !== undefined) pairs++;
    }
  }
  return pairs;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

describe('the pair counts of a sparse plan', () => {
  it('are those of a count pair by pair, for the rules of each head', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        for (const { head, headLayout } of headLayouts(layoutOf(batch))) {
          const { pairCounts, queryTiles, keyTiles } = headLayout;
          expect(pairCounts).toEqual({
            useful: allowedPairs(batch, head),
            executed: sum(queryTiles.map((tile) => executedIn(tile, batch.tileConfig))),
            executedTransposed: sum(keyTiles.map((tile) => executedIn(tile, batch.tileConfig))),
            dense: sum(batch.lengths.map((length) => length ** 2)),
          });
          expect(pairCounts.executed).toBeGreaterThanOrEqual(pairCounts.useful);
          expect(pairCounts.executedTransposed).toBeGreaterThanOrEqual(pairCounts.useful);
        }
      }),
      runs(150),
    );
  });

  it('are the mean over the heads', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const layout = layoutOf(batch);
        const ofHeads = batch.rules.map((_, head) => {
          return layout.heads.find(({ heads }) => heads === undefined || heads.includes(head))!.pairCounts;
        });
        for (const name of ['useful', 'executed', 'executedTransposed', 'dense'] as const) {
          const mean = sum(ofHeads.map((pairCounts) => pairCounts[name])) / ofHeads.length;
          expect(layout.pairCounts[name]).toBeCloseTo(mean, 6);
        }
      }),
      runs(100),
    );
    const [a, b] = [1, 5].map((pairs) => {
      return { useful: pairs, executed: 2 * pairs, executedTransposed: 3 * pairs, dense: 4 * pairs };
    });
    expect(
      meanPairCounts([
        { heads: 3, pairCounts: a },
        { heads: 1, pairCounts: b },
      ]),
    ).toEqual({
      useful: 2,
      executed: 4,
      executedTransposed: 6,
      dense: 8,
    });
  });

  it('are those of a sequence counted by hand', () => {
    // Tag 0 sees tag 1, and no other tag sees any: 3 rows of one tile see 2 columns.
    const tables: PairTable = { size: 2, biases: Float32Array.of(FORBIDDEN, 0, FORBIDDEN, FORBIDDEN) };
    const shape = { ...WIDE_TILE, rowBlock: 8, steps: [32, 16] };
    const { pairCounts } = sparseLayout({ tags: Uint8Array.of(0, 1, 0, 1, 0), lengths: [5], tables }, shape);
    expect(pairCounts).toEqual({ useful: 6, executed: 8 * 16, executedTransposed: 8 * 16, dense: 25 });
  });

  it('are zero without tokens', () => {
    const none = { useful: 0, executed: 0, executedTransposed: 0, dense: 0 };
    const tables: PairTable = { size: 1, biases: Float32Array.of(0) };
    const countsOf = (tags: Uint8Array, lengths: number[], table = tables) => {
      return sparseLayout({ tags, lengths, tables: table }).pairCounts;
    };
    expect(countsOf(new Uint8Array(0), [])).toEqual(none);
    expect(countsOf(new Uint8Array(0), [0, 0])).toEqual(none);
    const noPairs: PairTable = { size: 1, biases: Float32Array.of(FORBIDDEN) };
    expect(countsOf(Uint8Array.of(0, 0), [2], noPairs)).toEqual({ ...none, dense: 4 });
  });
});
