import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlanWords, planWords } from '../../src/attention/device-plan.js';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { planWordNames as W } from '../../src/gpu/kernel-sources.generated.js';
import { denseLayout, type Layout } from '../../src/plan/layout.js';
import { runs } from '../support/arbitraries.js';
import { type DecodedItem, decodedItems, WordReader } from './decode.js';
import {
  anyBatch,
  anyCrowdedBatch,
  biasesOf,
  headLayouts,
  LEARNED,
  layoutOf,
  SIDES,
  spansOf,
  type TaggedBatch,
  tilesOf,
} from './random-batch.js';

/** A plan's words, with a learned table that is 1 everywhere, as after an upload. */
function wordsWithBiases(layout: Layout, headCount: number): PlanWords {
  const written = planWords(layout, headCount);
  layout.heads.forEach(({ table }, index) => {
    if (!table?.learned) return;
    const { words } = written;
    const from = written.heads[index].tableAt;
    new Float32Array(words.buffer).fill(LEARNED, from, from + headCount * table.size ** 2);
  });
  return written;
}

/** The first pair of any head for which a kernel would not find the bias of the rules. */
function complaint(batch: TaggedBatch): string | undefined {
  const layout = layoutOf(batch);
  const headCount = Math.max(2, batch.rules.length);
  const reader = new WordReader(layout, wordsWithBiases(layout, headCount), headCount);
  const { order } = layout;
  const headsSeen: number[] = [];
  for (const [index] of layout.heads.entries()) {
    for (const head of reader.headsOf(index)) {
      headsSeen.push(head);
      const biasOf = biasesOf(batch, batch.rules.length === 1 ? 0 : head);
      for (const side of SIDES) {
        const found = new Map<number, number>();
        for (const tile of reader.items(index, side)) {
          for (let row = tile.rowStart; row < tile.rowStart + tile.rowCount; row++) {
            for (const { start, length } of tile.ranges) {
              for (let column = start; column < start + length; column++) {
                const bias = reader.bias(index, head, tile, side, row, column);
                if (bias !== undefined) found.set(row * order.length + column, bias);
              }
            }
          }
        }
        for (const [start, end] of spansOf(batch.lengths)) {
          for (let row = start; row < end; row++) {
            for (let column = start; column < end; column++) {
              const [query, key] = side === 'queries' ? [row, column] : [column, row];
              const expected = biasOf(order[query], order[key]);
              const bias = found.get(row * order.length + column);
              if (bias !== expected)
                return `${side}, head ${head}: row ${row}, column ${column} is ${bias}, not ${expected}`;
              found.delete(row * order.length + column);
            }
          }
        }
        if (found.size > 0) return `${side}, head ${head}: ${found.size} pairs across sequences`;
      }
    }
  }
  const heads = Array.from({ length: headCount }, (_, head) => head);
  return headsSeen.sort().join() === heads.join() ? undefined : `tiles for heads ${headsSeen}`;
}

function numberOfRanges({ heads }: Layout): number {
  return heads
    .flatMap(({ queryTiles, keyTiles }) => [...queryTiles, ...keyTiles])
    .reduce((count, tile) => count + tile.ranges.length, 0);
}

describe('plan words', () => {
  it.each([
    ['any batch', anyBatch, 150],
    ['a batch of many tag runs', anyCrowdedBatch, 100],
  ])(
    'give a kernel the bias that the rules give every pair, with each kind of mask: %s',
    (_, batches, count) => {
      fc.assert(
        fc.property(batches, (batch) => {
          expect(complaint(batch)).toBeUndefined();
        }),
        runs(count),
      );
    },
  );

  it('decode to the tiles of the plan, with the padded key columns of their ranges', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const layout = layoutOf(batch);
        const reader = new WordReader(layout, planWords(layout), 1);
        headLayouts(layout).forEach(({ headLayout }, index) => {
          for (const side of SIDES) {
            const expected = tilesOf(headLayout, side).map(({ sequence, ranges, ...tile }) => {
              let slot = 0;
              const withSlots = ranges.map(({ start, length }) => {
                const range = { start, length, slot };
                slot += 4 * Math.ceil(length / 4);
                return range;
              });
              return { ...tile, ranges: withSlots, firstColumn: ranges[0]?.start ?? tile.rowStart };
            });
            // A tile of several items has its columns from the first slot of one to the end of another.
            const tiles = new Map<
              number,
              Omit<DecodedItem, 'shift' | 'firstSlot' | 'outputRow' | 'endSlot'>
            >();
            const ends = new Map<number, number>();
            for (const { shift, firstSlot, endSlot, outputRow, ...tile } of reader.items(index, side)) {
              tiles.set(tile.rowStart, tile);
              ends.set(tile.rowStart, Math.max(endSlot, ends.get(tile.rowStart) ?? 0));
            }
            const decoded = [...tiles.values()].map((tile) => ({
              ...tile,
              paddedColumns: ends.get(tile.rowStart),
            }));
            expect(decoded.toSorted((a, b) => a.rowStart - b.rowStart)).toEqual(expected);
          }
        });
      }),
      runs(100),
    );
  });

  it('hold order and sentences of the plan, and only its parts', () => {
    fc.assert(
      fc.property(anyBatch, fc.integer({ min: 1, max: 3 }), (batch, headCount) => {
        const layout = layoutOf(batch);
        const { words, heads, positionsAt, sentencesAt } = planWords(layout, headCount);
        const { tokens, sentences, positional } = layout;
        expect(words.slice(positionsAt, positionsAt + tokens)).toEqual(layout.order);
        if (sentences) expect(words.slice(sentencesAt, sentencesAt + tokens)).toEqual(sentences);
        const passes = heads.flatMap(({ query, key }) => [query, key]);
        const labels = batch.lengths.reduce((sum, length) => sum + Math.ceil(length / 4), 0);
        const tables = layout.heads.map(
          ({ table }) => (table!.learned ? headCount : 1) + (positional ? 2 : 0),
        );
        // Two sides; for each of their tags, the pairs that exist, and those that are biased.
        const bits = layout.heads.map(({ bits }) => (bits ? 4 * bits.words * batch.rules[0].tags.length : 0));
        const lists = layout.heads.reduce((sum, { heads }) => sum + (heads?.length ?? 0), 0);
        const expected = [
          ...passes.map(({ items, parts }) => W.ITEM_WORDS * items + (parts ? W.PARTS_WORDS * tokens : 0)),
          W.RANGE_WORDS * numberOfRanges(layout),
          tokens,
          sentences ? tokens : 0,
          labels,
          lists,
          ...bits,
          ...tables.map((count) => count * batch.rules[0].tags.length ** 2),
        ];
        expect(words).toHaveLength(expected.reduce((sum, part) => sum + part, 0));
      }),
      runs(100),
    );
  });

  it('hold the tiles of a dense plan once, and no labels', () => {
    const layout = denseLayout([65, 0, 3], WIDE_TILE);
    const { words, heads, positionsAt } = planWords(layout);
    const [{ query, key, headsAt }] = heads;
    const [{ queryTiles }] = layout.heads;
    expect(key).toBe(query);
    expect(headsAt).toBe(W.ALL_HEADS);
    expect(words.slice(positionsAt, positionsAt + 68)).toEqual(layout.order);
    const decoded = decodedItems(words, query);
    expect(decoded.map(({ rowStart, rowCount }) => [rowStart, rowCount])).toEqual(
      queryTiles.map(({ rowStart, rowCount }) => [rowStart, rowCount]),
    );
    expect(words).toHaveLength((W.ITEM_WORDS + W.RANGE_WORDS) * queryTiles.length + 68);
  });

  it('do not change the table that they are written from', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const layout = layoutOf(batch);
        const before = structuredClone(layout.heads.map(({ table }) => table));
        planWords(layout).words.fill(7);
        expect(layout.heads.map(({ table }) => table)).toEqual(before);
      }),
      runs(20),
    );
  });
});
