import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Plan, planDense } from '../../src/plan/plan.js';
import { planWords } from '../../src/plan/plan-words.js';
import type { Tile } from '../../src/plan/tiles.js';
import { runs } from '../support/arbitraries.js';
import { decodedTiles } from './decode.js';
import { anyBatch, planOf } from './random-batch.js';

function rangeCount(tiles: Tile[]): number {
  return tiles.reduce((count, tile) => count + tile.ranges.length, 0);
}

/** Holds each part of the words against the plan that they were made from. */
function expectPlan(plan: Plan): void {
  const { words, ...at } = planWords(plan);
  const { queryTiles, keyTiles, tokens } = plan;
  expect(decodedTiles(words, at.queryTilesAt, queryTiles.length, at.queryRangesAt)).toEqual(queryTiles);
  expect(decodedTiles(words, at.keyTilesAt, keyTiles.length, at.keyRangesAt)).toEqual(keyTiles);
  expect(words.slice(at.positionsAt, at.positionsAt + tokens)).toEqual(plan.order);
  expect([...words.subarray(at.labelsAt, at.labelsAt + tokens)]).toEqual([...plan.tags]);
  const table = new Float32Array(words.slice(at.tableAt).buffer);
  expect(table).toEqual(plan.table?.biases ?? new Float32Array(0));
}

describe('planWords', () => {
  it('decodes to the plan again', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        expectPlan(planOf(batch));
      }),
      runs(200),
    );
  });

  it('holds nothing else', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const plan = planOf(batch);
        const tiles = [...plan.queryTiles, ...plan.keyTiles];
        const expected = 6 * tiles.length + 2 * rangeCount(tiles) + 2 * plan.tokens + batch.table.size ** 2;
        expect(planWords(plan).words).toHaveLength(expected);
      }),
      runs(100),
    );
  });

  it('holds the tiles of a dense plan once', () => {
    const plan = planDense([65, 0, 3]);
    expectPlan(plan);
    const { words, queryTilesAt, queryRangesAt, keyTilesAt, keyRangesAt } = planWords(plan);
    expect([keyTilesAt, keyRangesAt]).toEqual([queryTilesAt, queryRangesAt]);
    expect(words).toHaveLength(6 * plan.queryTiles.length + 2 * rangeCount(plan.queryTiles) + 2 * 68);
  });

  it('does not change the table that it writes', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const biases = batch.table.biases.slice();
        planWords(planOf(batch)).words.fill(7);
        expect(batch.table.biases).toEqual(biases);
      }),
      runs(20),
    );
  });
});
