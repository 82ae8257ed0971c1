import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagRunChunks } from '../../src/attention/tag-run-chunks.js';
import { runs } from '../support/arbitraries.js';
import { anyBatch, layoutOf, type TaggedBatch } from './random-batch.js';

interface Decoded {
  /** In the order of their numbers. */
  chunks: { start: number; rows: number }[];
  /** For each tag, the numbers of its chunks. */
  lists: number[][];
}

/** Reads the words as the kernels do. */
function decoded(batch: TaggedBatch): Decoded {
  const { words, count, chunksAt, tagsAt, entriesAt } = tagRunChunks(layoutOf(batch));
  const chunks = Array.from({ length: count }, (_, chunk) => {
    const [start, rows] = words.subarray(chunksAt + 2 * chunk);
    return { start, rows };
  });
  const lists = batch.rules[0].tags.map((_, tag) => {
    return [...words.subarray(entriesAt + words[tagsAt + tag], entriesAt + words[tagsAt + tag + 1])];
  });
  return { chunks, lists };
}

describe('tag run chunks', () => {
  it('hold every row once, and at most 64 rows each', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const times = new Array<number>(batch.tags.length).fill(0);
        for (const { start, rows } of decoded(batch).chunks) {
          expect(rows >= 1 && rows <= 64).toBe(true);
          for (let row = start; row < start + rows; row++) times[row]++;
        }
        expect(times.every((count) => count === 1)).toBe(true);
      }),
      runs(100),
    );
  });

  it('are of one tag each, and are in its list once', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { chunks, lists } = decoded(batch);
        const { tags } = layoutOf(batch);
        expect(lists.flat().sort((a, b) => a - b)).toEqual(chunks.map((_, chunk) => chunk));
        const wrong = lists.flatMap((list, tag) => {
          const rowsOf = (chunk: number) =>
            tags.subarray(chunks[chunk].start, chunks[chunk].start + chunks[chunk].rows);
          return list.filter((chunk) => rowsOf(chunk).some((other) => other !== tag));
        });
        expect(wrong).toEqual([]);
      }),
      runs(100),
    );
  });

  it('are listed in ascending order, so that the order of sums is fixed', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        for (const list of decoded(batch).lists) expect(list).toEqual([...list].sort((a, b) => a - b));
      }),
      runs(100),
    );
  });
});
