import { describe, expect, it } from 'vitest';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import type { TagPair } from '../../src/grammar/rules.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { NO_MASK } from '../../src/plan/key-columns.js';
import { type HeadLayout, sparseLayout } from '../../src/plan/layout.js';
import { SIDES, tilesOf } from './random-batch.js';

/** Tables of hard rules over `tagCount` tags, one for each list of pairs. */
function tablesFor(tagCount: number, ...lists: ((tag: string, index: number) => TagPair[])[]) {
  const tags = Array.from({ length: tagCount }, (_, tag) => `t${tag}`);
  return lists.map((pairs, index) =>
    pairTable({ name: `rules ${index}`, tags, hard: tags.flatMap(pairs), soft: [], beta: 0 }, 'hard'),
  );
}

/** For each row, in sorted order, the columns that its tile holds. */
function columnsOfRows(plan: HeadLayout, side: (typeof SIDES)[number], tokens: number): number[][] {
  const columns: number[][] = Array.from({ length: tokens }, () => []);
  for (const { rowStart, rowCount, ranges } of tilesOf(plan, side)) {
    for (let row = rowStart; row < rowStart + rowCount; row++) {
      for (const { start, length } of ranges)
        for (let column = start; column < start + length; column++) columns[row].push(column);
    }
  }
  return columns;
}

describe('a sequence of many tag runs', () => {
  it('has up to two for each tag, and rows see their tag after the 64th run, and no other tag', () => {
    const tagCount = 33;
    // Each tag has a token of the one sentence and one of the document: 66 runs.
    const tokens = 2 * tagCount;
    const tables = tablesFor(
      tagCount,
      (tag) => [[tag, tag]],
      (tag) => [[tag, tag, 'sentence']],
    );
    const input = {
      tags: Uint8Array.from({ length: tokens }, (_, token) => token % tagCount),
      lengths: [tokens],
      tables,
      sentences: Uint32Array.from({ length: tokens }, (_, token) => (token < tagCount ? 0 : NO_SENTENCE)),
    };
    // A row a tile: none needs a mask.
    const layout = sparseLayout(input, { ...WIDE_TILE, rows: 1 });
    expect(layout.sequences[0].runs).toHaveLength(66);
    for (const head of layout.heads) {
      for (const side of SIDES) {
        columnsOfRows(head, side, tokens).forEach((columns, row) => {
          const sameTag = Array.from(layout.tags.keys()).filter(
            (column) => layout.tags[column] === layout.tags[row],
          );
          expect(columns, `${side}, row ${row}`).toEqual(expect.arrayContaining(sameTag));
        });
        // Without a mask, every pair is allowed.
        for (const { rowStart, ranges, needsMask } of tilesOf(head, side)) {
          if (needsMask !== NO_MASK) continue;
          const tags = ranges.flatMap(({ start, length }) => [
            ...layout.tags.subarray(start, start + length),
          ]);
          expect(new Set(tags), `${side}, the tile at ${rowStart}`).toEqual(new Set([layout.tags[rowStart]]));
        }
      }
    }
  });

  it('has one for each tag of each sentence where a head without scopes allows that order', () => {
    // The only rule without a scope is about the token of the document: tokens are still sorted by sentence.
    const tokens = 4096;
    const tables = tablesFor(
      3,
      (tag, index) => (index === 0 ? ['t0', 't1', 't2'].map((key): TagPair => [tag, key]) : []),
      (tag, index) => (index === 0 ? [] : [[tag, 't1', 'sentence']]),
    );
    const layout = sparseLayout({
      tags: Uint8Array.from({ length: tokens }, (_, token) => (token === 0 ? 0 : 1 + (token % 2))),
      lengths: [tokens],
      tables,
      sentences: Uint32Array.from({ length: tokens }, (_, token) => (token === 0 ? NO_SENTENCE : token >> 1)),
    });
    expect(layout.sequences[0].runs).toHaveLength(tokens);
    const [ofDocument, ofSentences] = layout.heads.map((head) => columnsOfRows(head, 'queries', tokens));
    const last = tokens - 1;
    expect(layout.order[last]).toBe(0);
    expect(ofDocument[last]).toHaveLength(tokens);
    const incomplete = ofSentences.slice(0, last).findIndex((columns, row) => {
      const near = [row - 1, row, row + 1].filter((key) => key >= 0 && layout.tags[key] === 1);
      const keys = near.filter((key) => layout.order[key] >> 1 === layout.order[row] >> 1);
      return !keys.every((key) => columns.includes(key));
    });
    expect(incomplete, 'a row that misses a key of its sentence').toBe(-1);
  });
});
