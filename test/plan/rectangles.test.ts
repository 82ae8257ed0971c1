import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rectangleWords } from '../../src/plan/rectangles.js';
import type { ColumnRange, Tile } from '../../src/plan/tiles.js';
import { runs } from '../support/arbitraries.js';
import { decodedTiles } from './decode.js';
import { anyBatch, biasOf, planOf, spansOf, type TaggedBatch } from './random-batch.js';

interface Decoded {
  tiles: Tile[];
  /** For each range, the pair of tags of the list that names it, and undefined where none does. */
  pairOfRange: (number | undefined)[];
  /** Ranges that some list names a second time, or lists that run backwards. */
  mistakes: string[];
}

function decoded(batch: TaggedBatch): Decoded {
  const rectangles = rectangleWords(planOf(batch));
  const { words, tileCount, rangeCount, tilesAt, rangesAt, pairsAt, entriesAt } = rectangles;
  const tiles = decodedTiles(words, tilesAt, tileCount, rangesAt);
  const pairOfRange = new Array<number | undefined>(rangeCount).fill(undefined);
  const mistakes: string[] = [];
  for (let pair = 0; pair < batch.table.size ** 2; pair++) {
    const [from, to] = [words[pairsAt + pair], words[pairsAt + pair + 1]];
    if (from > to || to > rangeCount) mistakes.push(`the list of pair ${pair} is ${from} to ${to}`);
    for (const range of words.subarray(entriesAt + from, entriesAt + to)) {
      if (pairOfRange[range] !== undefined) mistakes.push(`range ${range} stands in two lists`);
      pairOfRange[range] = pair;
    }
  }
  return { tiles, pairOfRange, mistakes };
}

/** The one tag of some sorted tokens, or undefined where there are several. */
function onlyTag(sortedTags: Uint8Array, { start, length }: ColumnRange): number | undefined {
  const tags = sortedTags.subarray(start, start + length);
  return tags.every((tag) => tag === tags[0]) ? tags[0] : undefined;
}

describe('rectangleWords', () => {
  it('cover every pair that exists exactly once, and no other', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { order } = planOf(batch);
        const tokens = batch.tags.length;
        const times = new Uint8Array(tokens * tokens);
        for (const { rowStart, rowCount, ranges } of decoded(batch).tiles) {
          expect(rowCount >= 1 && rowCount <= 32).toBe(true);
          for (const { start, length } of ranges) {
            for (let row = rowStart; row < rowStart + rowCount; row++) {
              for (let column = start; column < start + length; column++) {
                times[order[row] * tokens + order[column]]++;
              }
            }
          }
        }
        const expected = new Uint8Array(tokens * tokens);
        for (const [start, end] of spansOf(batch.lengths)) {
          for (let query = start; query < end; query++) {
            for (let key = start; key < end; key++) {
              if (biasOf(batch, query, key) !== undefined) expected[query * tokens + key] = 1;
            }
          }
        }
        expect(Buffer.compare(times, expected)).toBe(0);
      }),
      runs(200),
    );
  });

  it('are of one query tag and one key tag, and stand in the list of that pair', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { tiles, pairOfRange, mistakes } = decoded(batch);
        const { tags } = planOf(batch);
        const expected = tiles.flatMap((tile) => {
          const query = onlyTag(tags, { start: tile.rowStart, length: tile.rowCount })!;
          return tile.ranges.map((range) => query * batch.table.size + onlyTag(tags, range)!);
        });
        expect(mistakes).toEqual([]);
        expect(pairOfRange).toEqual(expected);
      }),
      runs(200),
    );
  });

  it('list the ranges of a pair in ascending order, so that sums are always taken in the same one', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { words, pairsAt, entriesAt } = rectangleWords(planOf(batch));
        const unsorted: number[] = [];
        for (let pair = 0; pair < batch.table.size ** 2; pair++) {
          const list = words.subarray(
            entriesAt + words[pairsAt + pair],
            entriesAt + words[pairsAt + pair + 1],
          );
          if (list.some((range, at) => at > 0 && range < list[at - 1])) unsorted.push(pair);
        }
        expect(unsorted).toEqual([]);
      }),
      runs(200),
    );
  });
});
