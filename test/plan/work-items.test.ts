import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { denseLayout } from '../../src/plan/layout.js';
import { TYPICAL_GPU } from '../../src/plan/machine.js';
import type { Tile } from '../../src/plan/tiles.js';
import { workItems } from '../../src/plan/work-items.js';
import { runs } from '../support/arbitraries.js';
import { anyBatch, layoutOf, SIDES, SPLITS_ALWAYS, tilesOf } from './random-batch.js';

const TILE: Tile = { sequence: 0, rowStart: 0, rowCount: 32, ranges: [], paddedColumns: 0, needsMask: 0 };

const anyMachine = fc.constantFrom(undefined, TYPICAL_GPU, SPLITS_ALWAYS);

describe('work items', () => {
  it('hold every column of every tile once, in whole steps except the last, and no two parts share output rows', () => {
    fc.assert(
      fc.property(anyBatch, anyMachine, fc.integer({ min: 1, max: 16 }), (batch, machine, heads) => {
        const layout = layoutOf(batch);
        const {
          tokens,
          heads: [{ isFull }],
        } = layout;
        const plan = { tokens, isFull, tileConfig: { ...batch.tileConfig, machine } };
        const [step] = batch.tileConfig.steps;
        for (const side of SIDES) {
          const tiles = tilesOf(layout.heads[0], side);
          const { items, outputRows, isSplit } = workItems(tiles, plan, heads);
          for (const tile of tiles) {
            const parts = items
              .filter((item) => item.tile === tile)
              .toSorted((a, b) => a.firstSlot - b.firstSlot);
            expect(parts[0].firstSlot).toBe(0);
            expect(parts.at(-1)!.endSlot).toBe(tile.paddedColumns);
            parts.slice(1).forEach(({ firstSlot, endSlot }, index) => {
              expect(firstSlot).toBe(parts[index].endSlot);
              expect(firstSlot % step).toBe(0);
              expect(endSlot).toBeGreaterThan(firstSlot);
            });
            if (!isSplit) expect(parts.map(({ outputRow }) => outputRow)).toEqual([tile.rowStart]);
          }
          const rows = items.flatMap(({ outputRow, tile }) =>
            Array.from({ length: tile.rowCount }, (_, row) => outputRow + row),
          );
          expect(new Set(rows).size).toBe(rows.length);
          expect(outputRows).toBe(isSplit ? rows.length : layout.tokens);
        }
      }),
      runs(60),
    );
  });

  it('start with the longest on a GPU, and are the tiles in their order elsewhere', () => {
    fc.assert(
      fc.property(anyBatch, anyMachine, (batch, machine) => {
        const layout = layoutOf(batch);
        const { queryTiles, isFull } = layout.heads[0];
        const tileConfig = { ...batch.tileConfig, machine };
        const { items } = workItems(queryTiles, { tokens: layout.tokens, isFull, tileConfig }, 2);
        if (!machine) expect(items.map(({ tile }) => tile)).toEqual(queryTiles);
        const lengths = items.map(({ firstSlot, endSlot }) => endSlot - firstSlot);
        if (machine) expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
      }),
      runs(30),
    );
  });

  it('are split where a GPU would idle, and whole where it is full', () => {
    const itemsOf = (tokens: number, heads: number) => {
      const layout = denseLayout([tokens], { ...WIDE_TILE, machine: TYPICAL_GPU });
      const { queryTiles, isFull } = layout.heads[0];
      return workItems(queryTiles, { ...layout, isFull }, heads).items.length / queryTiles.length;
    };
    expect(itemsOf(64, 8)).toBe(1);
    expect(itemsOf(512, 8)).toBeGreaterThan(1);
    expect(itemsOf(4096, 1)).toBeGreaterThan(1);
    expect(itemsOf(4096, 8)).toBe(1);
  });

  it('leave tiles whole that are little longer than the parts of others', () => {
    const tile = (steps: number) => ({ ...TILE, paddedColumns: 64 * steps });
    const tiles = [...Array(44).fill(11), ...Array(15).fill(18), 32].map(tile);
    const tileConfig = { ...WIDE_TILE, machine: TYPICAL_GPU };
    const { items } = workItems(tiles, { isFull: false, tileConfig, tokens: 1920 }, 8);
    const steps = items.map(({ firstSlot, endSlot }) => (endSlot - firstSlot) / 64);
    expect(steps.filter((count) => count === 11).length).toBe(44);
    expect(Math.max(...steps)).toBe(11);
    expect(items.length).toBeGreaterThan(tiles.length);
  });
});
